import { Client, createEngine, Inspector, ServeMux, Server, Task } from "../../dist/index.mjs";
import type { Payload, System } from "./system.ts";

const QUEUE = "bench";
const TYPE = "bench";

/** Of the store that this process measures; lives as long as the process. */
let inspector: Inspector | undefined;

const titanqueue: System = {
  async producer(url) {
    const client = new Client(url);
    await client.ping();
    return {
      enqueue: async (payload) => {
        await client.enqueue(new Task(TYPE, payload), { queue: QUEUE });
      },
      enqueueBulk: async (payloads, delay) => {
        const options = delay === undefined ? { queue: QUEUE } : { queue: QUEUE, processIn: delay };
        const items = payloads.map((payload) => ({ task: new Task(TYPE, payload), options }));
        const answers = await client.enqueueBatch(items);
        for (const answer of answers) if (!answer.ok) throw answer.error;
      },
      close: () => client.close(),
    };
  },

  async consumer(url, { concurrency, handle }) {
    const engine = createEngine(url);
    const release = engine.use();
    await engine.open();
    const mux = new ServeMux();
    mux.handle(TYPE, (task) => handle(task.payload as Payload));
    const server = new Server(engine, { concurrency, queues: { [QUEUE]: 1 }, logLevel: "warn" });
    return {
      start: () => server.start(mux),
      close: async () => {
        await server.shutdown();
        await release();
      },
    };
  },

  async leftover(url) {
    inspector ??= new Inspector(url);
    const { pending, active, scheduled } = await inspector.getQueueInfo(QUEUE);
    return pending + active + scheduled;
  },
};

export default titanqueue;
