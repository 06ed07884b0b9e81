const { testQueue } = require("titanqueue/testing");
const { mailMux, signUp, welcomeEmail } = require("./sign-up.cjs");

const ada = { email: "ada@example.com", name: "Ada" };

test("signing up enqueues an e-mail", async () => {
  const q = testQueue();
  await signUp(q.client, ada);
  q.expectEnqueued(welcomeEmail, { to: expect.stringContaining("@"), name: "Ada" }, { count: 1 });
});

test("with an inline queue, the e-mail has been sent when signing up is done", async () => {
  const send = jest.fn();
  const q = testQueue({ mux: mailMux(send), inline: true });
  await signUp(q.client, ada);
  expect(send).toHaveBeenCalledWith({ to: "ada@example.com", name: "Ada" });
  q.refuteEnqueued(welcomeEmail);
});
