import { Queue, Worker } from "bullmq";
import { redisAt } from "./redis-at.ts";
import type { Payload, System } from "./system.ts";

const QUEUE = "bench";

const bullmq: System = {
  async producer(url) {
    const queue = new Queue<Payload>(QUEUE, {
      connection: { url },
      defaultJobOptions: { removeOnComplete: true },
    });
    await queue.waitUntilReady();
    return {
      enqueue: async (payload) => {
        await queue.add("task", payload);
      },
      enqueueBulk: async (payloads, delay) => {
        const opts = delay === undefined ? {} : { delay };
        await queue.addBulk(payloads.map((data) => ({ name: "task", data, opts })));
      },
      close: () => queue.close(),
    };
  },

  async consumer(url, { concurrency, handle }) {
    const worker = new Worker<Payload>(QUEUE, async (job) => handle(job.data), {
      connection: { url },
      concurrency,
      autorun: false,
      removeOnComplete: { count: 0 },
    });
    await worker.waitUntilReady();
    return {
      start: async () => {
        worker.run().catch((error: unknown) => {
          throw error;
        });
      },
      close: () => worker.close(),
    };
  },

  async leftover(url) {
    const redis = redisAt(url);
    const [wait, active, delayed] = await Promise.all([
      redis.llen(`bull:${QUEUE}:wait`),
      redis.llen(`bull:${QUEUE}:active`),
      redis.zcard(`bull:${QUEUE}:delayed`),
    ]);
    return wait + active + delayed;
  },
};

export default bullmq;
