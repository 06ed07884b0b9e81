import { testQueue } from "titanqueue/testing";
import { expect, test } from "vitest";
import { mailMux, signUp, welcomeEmail } from "./sign-up.ts";

test("signing up sends an e-mail ten minutes later", async () => {
  const sent: string[] = [];
  const q = testQueue({ mux: mailMux(async (to) => void sent.push(to)) });

  await signUp(q.client, "ada@example.com");
  q.expectEnqueued(welcomeEmail, { to: "ada@example.com" }, { at: "10m" });

  await q.advance("10m");
  expect(await q.drain()).toMatchObject({ success: 1 });
  expect(sent).toEqual(["ada@example.com"]);
});
