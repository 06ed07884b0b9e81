import BeeQueue from "bee-queue";
import { redisAt } from "./redis-at.ts";
import type { Payload, System } from "./system.ts";

const QUEUE = "bench";

const common = {
  storeJobs: false,
  sendEvents: false,
  getEvents: false,
  removeOnSuccess: true,
  activateDelayedJobs: true,
};

const beeQueue: System = {
  async producer(url) {
    const queue = new BeeQueue<Payload>(QUEUE, { ...common, redis: { url } as never, isWorker: false });
    await queue.ready();
    return {
      enqueue: async (payload) => {
        await queue.createJob(payload).save();
      },
      enqueueBulk: async (payloads, delay) => {
        const due = delay === undefined ? undefined : Date.now() + delay;
        const jobs = payloads.map((payload) => {
          const job = queue.createJob(payload);
          return due === undefined ? job : job.delayUntil(due);
        });
        const failures = await queue.saveAll(jobs);
        if (failures.size > 0) throw [...failures.values()][0];
      },
      close: async () => {
        await queue.close();
      },
    };
  },

  async consumer(url, { concurrency, handle }) {
    const queue = new BeeQueue<Payload>(QUEUE, { ...common, redis: { url } as never });
    await queue.ready();
    return {
      start: async () => queue.process(concurrency, async (job: BeeQueue.Job<Payload>) => handle(job.data)),
      close: async () => {
        await queue.close(5_000);
      },
    };
  },

  async leftover(url) {
    const redis = redisAt(url);
    const [waiting, active, delayed] = await Promise.all([
      redis.llen(`bq:${QUEUE}:waiting`),
      redis.llen(`bq:${QUEUE}:active`),
      redis.zcard(`bq:${QUEUE}:delayed`),
    ]);
    return waiting + active + delayed;
  },
};

export default beeQueue;
