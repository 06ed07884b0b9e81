import Database from "better-sqlite3";
import { better, defineQueue, defineWorker, JobStatus, type Logger, type Queue } from "plainjob";
import type { Payload, System } from "../systems/system.ts";
import { fileOf } from "./file.ts";

const TYPE = "bench";
const silent: Logger = {
  error: console.error,
  warn: console.warn,
  info: () => undefined,
  debug: () => undefined,
};

function open(url: string): Queue {
  return defineQueue({ connection: better(new Database(fileOf(url))), logger: silent });
}

const plainjob: System = {
  async producer(url) {
    const queue = open(url);
    return {
      enqueue: async (payload) => {
        queue.add(TYPE, payload);
      },
      enqueueBulk: async (payloads, delay) => {
        queue.addMany(TYPE, payloads, delay === undefined ? {} : { delay });
      },
      close: async () => queue.close(),
    };
  },

  // A worker runs one job at a time: concurrency is a number of workers.
  async consumer(url, { concurrency, handle }) {
    const queue = open(url);
    const workers = Array.from({ length: concurrency }, () =>
      defineWorker(TYPE, (job) => handle(JSON.parse(job.data) as Payload), { queue, logger: silent }),
    );
    let running: Promise<unknown> = Promise.resolve();
    return {
      start: async () => {
        running = Promise.all(workers.map((worker) => worker.start()));
      },
      close: async () => {
        await Promise.all(workers.map((worker) => worker.stop()));
        await running;
        queue.close();
      },
    };
  },

  async leftover(url) {
    const queue = open(url);
    const count = (status: JobStatus) => queue.countJobs({ type: TYPE, status });
    const left = count(JobStatus.Pending) + count(JobStatus.Processing);
    queue.close();
    return left;
  },
};

export default plainjob;
