/** A strict user of the ESM build: every line compiles, and the marked ones must not. */
import {
  Client,
  defineTask,
  defineWorker,
  type Enqueuer,
  type HandlerOf,
  type InputOf,
  type PayloadOf,
  type ResultOf,
  ServeMux,
  Server,
  type ServerOptions,
  Task,
  type TaskInfo,
  type TaskOptions,
} from "titanqueue";
import { z } from "zod";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const holds = <T extends true>(): T | undefined => undefined;

const welcome = defineTask("email:welcome", {
  payload: z.object({ userId: z.number(), at: z.coerce.date() }),
  result: z.object({ sent: z.boolean() }),
  options: { queue: "critical", maxRetry: 5, timeout: "30s" },
});
const tick = defineTask("tick");

holds<Equal<PayloadOf<typeof welcome>, { userId: number; at: Date }>>();
holds<Equal<ResultOf<typeof welcome>, { sent: boolean }>>();

const input: InputOf<typeof welcome> = { userId: 1, at: new Date() };
welcome(input);
tick();
// @ts-expect-error the payload's type is checked
welcome({ userId: "1", at: new Date() });
// @ts-expect-error a task with a payload needs one
welcome();
// @ts-expect-error a task without a payload takes none
tick({ a: 1 });

/** Absent and undefined are the same for every option, also under exactOptionalPropertyTypes. */
const unset: string | undefined = undefined;
const options: TaskOptions = { queue: unset, timeout: undefined, processIn: "10m", taskId: unset };
const serverOptions: ServerOptions = { concurrency: undefined, queues: undefined, logger: undefined };

export async function produce(enqueuer: Enqueuer): Promise<TaskInfo> {
  const info = await enqueuer.enqueue(welcome(input), options);
  const [first, second] = await enqueuer.enqueueBatch([welcome(input), tick()]);
  if (first.ok) console.log(first.info.id);
  else console.log(second.ok, first.error.message);
  // @ts-expect-error unknown options are refused
  await enqueuer.enqueue(tick(), { proccessIn: "10m" });
  return info;
}

const handle: HandlerOf<typeof welcome> = async (task, ctx) => {
  holds<Equal<typeof task.payload.at, Date>>();
  ctx.signal.throwIfAborted();
  return { sent: true };
};

export async function serve(): Promise<number> {
  await using client = new Client("memory:");
  await produce(client);
  await client.enqueue(new Task("untyped", { any: "thing" }));
  const mux = new ServeMux()
    .handle(welcome, handle)
    .handle("image:", async (task) => console.log(task.payload))
    .use(async (_task, _ctx, next) => {
      await next();
    });
  // @ts-expect-error the result's type is checked
  mux.handle(welcome, async () => ({ sent: "yes" }));
  return new Server("memory:", serverOptions).run(mux);
}

export default defineWorker({ mux: new ServeMux().handle(welcome, handle), server: serverOptions });
// @ts-expect-error a worker has a mux
export const idle = defineWorker({ server: {} });
