import { buildDBClient, Runner, SqliteQueue } from "liteque";
import type { Payload, System } from "../systems/system.ts";
import { fileOf } from "./file.ts";

function open(url: string): SqliteQueue<Payload> {
  const db = buildDBClient(fileOf(url), { runMigrations: true, walEnabled: true });
  return new SqliteQueue<Payload>("bench", db, { defaultJobArgs: { numRetries: 2 }, keepFailedJobs: false });
}

const liteque: System = {
  async producer(url) {
    const queue = open(url);
    return {
      enqueue: async (payload) => {
        await queue.enqueue(payload);
      },
      enqueueBulk: async (payloads, delay) => {
        for (const payload of payloads)
          await queue.enqueue(payload, delay === undefined ? {} : { delayMs: delay });
      },
      close: async () => undefined,
    };
  },

  async consumer(url, { concurrency, handle }) {
    const runner = new Runner<Payload>(
      open(url),
      { run: async ({ data }) => handle(data) },
      { concurrency, pollIntervalMs: 1_000, timeoutSecs: 60 },
    );
    let running: Promise<void> = Promise.resolve();
    return {
      start: async () => {
        running = runner.run();
      },
      close: async () => {
        runner.stop();
        await running;
      },
    };
  },

  async leftover(url) {
    const { pending, pending_retry: retrying, running } = await open(url).stats();
    return pending + retrying + running;
  },
};

export default liteque;
