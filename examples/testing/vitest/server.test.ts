import { Server } from "titanqueue";
import { testQueue } from "titanqueue/testing";
import { expect, test } from "vitest";
import { mailMux, signUp } from "./sign-up.ts";

test("the server sends the e-mail by itself when its time has come", async () => {
  const sent: string[] = [];
  const q = testQueue();
  await using server = new Server(q.engine, {
    runtime: q.runtime, // its clock is the test's
    queues: { mail: 1 },
    logLevel: "warn",
  });
  await server.start(mailMux(async (to) => void sent.push(to)));

  await signUp(q.client, "ada@example.com");
  await q.advance("9m59s");
  expect(sent).toEqual([]);
  await q.advance("1s");
  expect(sent).toEqual(["ada@example.com"]);
});
