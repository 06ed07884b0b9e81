import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { testQueue } from "titanqueue/testing";

process.env.TITANQUEUE_URL = "memory:";
const { signUp, welcomeEmail } = await import("./sign-up.mjs");

const sent = [];
const q = testQueue({
  engine: "memory:", // the store that the code's own client means
  mux: (task) => {
    sent.push(task.payload.to);
  },
});
beforeEach(() => {
  q.reset();
  sent.length = 0;
});

test("signing up sends an e-mail ten minutes later", async () => {
  await signUp("ada@example.com");
  // That client reads the real clock, so allow for the time the test itself takes.
  q.expectEnqueued(welcomeEmail, { to: "ada@example.com" }, { at: "10m", within: "5s" });
  await q.advance("10m");
  await q.drain();
  assert.deepEqual(sent, ["ada@example.com"]);
});

test("signing up twice sends one", async () => {
  await signUp("ada@example.com");
  await signUp("ada@example.com");
  q.expectEnqueued(welcomeEmail, undefined, { count: 1 });
});
