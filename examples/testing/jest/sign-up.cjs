const { defineTask, ServeMux } = require("titanqueue");
const { z } = require("zod");

const welcomeEmail = defineTask("email:welcome", { payload: z.object({ to: z.email(), name: z.string() }) });

async function signUp(queue, { email, name }) {
  await queue.enqueue(welcomeEmail({ to: email, name }));
}

function mailMux(send) {
  return new ServeMux().handle(welcomeEmail, (task) => send(task.payload));
}

module.exports = { mailMux, signUp, welcomeEmail };
