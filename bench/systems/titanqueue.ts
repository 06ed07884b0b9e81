import { Client, redisEngine, ServeMux, Server, Task } from "../../dist/index.mjs";
import type { Payload, System } from "./system.ts";

const QUEUE = "bench";
const TYPE = "bench";

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
    const engine = redisEngine(url);
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

  async leftover(redis) {
    const [pending, active, scheduled] = await Promise.all([
      redis.llen(`asynq:{${QUEUE}}:pending`),
      redis.llen(`asynq:{${QUEUE}}:active`),
      redis.zcard(`asynq:{${QUEUE}}:scheduled`),
    ]);
    return pending + active + scheduled;
  },
};

export default titanqueue;
