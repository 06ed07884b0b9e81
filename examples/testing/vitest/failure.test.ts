import { type TestQueue, testQueue } from "titanqueue/testing";
import { beforeEach, expect, test } from "vitest";
import { mailMux, signUp, welcomeEmail } from "./sign-up.ts";

let q: TestQueue;
let away: number;
beforeEach(() => {
  const send = async () => {
    if (away-- > 0) throw new Error("the mail server is away");
  };
  q = testQueue({ mux: mailMux(send), server: { logLevel: "silent" } });
});

test("an attempt that fails is tried again", async () => {
  away = 1;
  const attempt = await q.perform(welcomeEmail, { to: "ada@example.com" });
  expect(attempt).toMatchObject({ outcome: "retry", error: { message: "the mail server is away" } });
});

test("the last retry that fails is the end", async () => {
  away = 1;
  const last = await q.perform(welcomeEmail, { to: "ada@example.com" }, { retried: 3 });
  expect(last).toMatchObject({ outcome: "archive", reason: "exhausted" });
});

test("an outage of the mail server delays the e-mail, and loses nothing", async () => {
  away = 2;
  await signUp(q.client, "ada@example.com");
  const { success, retry } = await q.drain({ scheduled: true, retries: true });
  expect({ success, retry }).toEqual({ success: 1, retry: 2 });
});
