import { setTimeout as wait } from "node:timers/promises";
import { expect, it } from "vitest";
import { MAX_ERROR_BYTES } from "../../src/server/error-text.ts";
import { Task } from "../../src/task.ts";
import { redisForFile } from "../support/redis-rig.ts";
import { benchForFile, freshQueue, type LocalServerOptions } from "./bench.ts";
import { eventually } from "./eventually.ts";

/** B04, B05 and B07: what code of the user's may do to a server. docs/reliability.md b. */

const redis = await redisForFile();
const bench = benchForFile();

/** Things that are no errors, or that bite whoever looks at them. */
const ODD: Readonly<Record<string, () => unknown>> = {
  "a text": () => "just text",
  "an empty text": () => "",
  nothing: () => undefined,
  null: () => null,
  "a number": () => Number.NaN,
  "a symbol": () => Symbol("odd"),
  "a function": () => () => undefined,
  "an object without prototype": () => Object.create(null),
  "an error whose message throws": () =>
    Object.defineProperty(new Error("x"), "message", {
      get() {
        throw new Error("no");
      },
    }),
  "an error whose cause is itself": () => {
    const error = new Error("round");
    error.cause = error;
    return error;
  },
  "a proxy that throws": () =>
    new Proxy(
      {},
      {
        get() {
          throw new Error("no");
        },
        getPrototypeOf() {
          throw new Error("no");
        },
      },
    ),
  "50 MB of text": () => new Error("x".repeat(50_000_000)),
  "half a surrogate pair": () => new Error("\ud83d".repeat(3_000)),
  "text cut in a character": () => new Error(`${"x".repeat(MAX_ERROR_BYTES - 1)}€`),
};

it.each(Object.entries(ODD))(
  "archives a task whose handler throws %s, with a sound text (B04)",
  async (_, make) => {
    const queue = freshQueue();
    const client = bench.client(redis.url);
    const server = await bench.server(
      redis.url,
      () => {
        throw make();
      },
      { queue },
    );
    const task = await client.enqueue(new Task("work"), { queue, maxRetry: 0 });
    await server.hasSettled(1);
    expect(server.settled).toMatchObject([{ outcome: "archive" }]);
    const { lastError = "" } = await bench.inspector(redis.url).getTaskInfo(task);
    expect(lastError).not.toBe("");
    expect(Buffer.byteLength(lastError)).toBeLessThanOrEqual(MAX_ERROR_BYTES);
    expect(Buffer.from(lastError).toString()).toBe(lastError);
  },
);

it("retries a task whose handler returns a value that bites (B04)", async () => {
  const queue = freshQueue();
  const client = bench.client(redis.url);
  const server = await bench.server(
    redis.url,
    (_, ctx) => (ctx.retried === 0 ? ODD["a proxy that throws"]?.() : "fine"),
    {
      queue,
    },
  );
  await client.enqueue(new Task("work"), { queue });
  await server.hasSettled(2);
  expect(server.settled.map(({ outcome }) => outcome)).toEqual(["retry", "done"]);
});

it("keeps the slot of a handler that ignores its time limit, and retries its task in another (B05)", async () => {
  const queue = freshQueue();
  const client = bench.client(redis.url);
  let running = 0;
  let most = 0;
  const releases: (() => void)[] = [];
  const server = await bench.server(
    redis.url,
    async (_, ctx) => {
      running += 1;
      most = Math.max(most, running);
      if (ctx.taskId === "stubborn" && ctx.retried === 0) {
        await new Promise<void>((resolve) => releases.push(resolve));
      } else await wait(5);
      running -= 1;
    },
    { queue, concurrency: 2, abortGrace: 0 },
  );
  await client.enqueue(new Task("work"), { queue, taskId: "stubborn", timeout: "1s" });
  await eventually("the stubborn one runs", () => server.starts("stubborn") === 1);
  await client.enqueueBatch(
    Array.from({ length: 20 }, () => ({ task: new Task("work"), options: { queue } })),
  );
  await eventually("it was retried", () => server.settled.some(({ cause }) => cause === "timeout"));
  await eventually("all others are done", () => server.settled.length === 22);
  expect(server.server.health()).toMatchObject({ zombies: 1, running: 0 });
  expect(server.starts("stubborn")).toBe(2);
  expect(most).toBe(2);
  for (const release of releases) release();
  await eventually("the slot is free again", () => server.server.health().zombies === 0);
});

/** Callbacks beside the task that throw, or answer nonsense. */
const CALLBACKS: Readonly<Record<string, LocalServerOptions>> = {
  "an errorHandler that throws": {
    errorHandler: () => {
      throw new Error("no");
    },
  },
  "an errorHandler that rejects": { errorHandler: () => Promise.reject(new Error("no")) },
  "a retryDelay that throws": {
    retryDelay: () => {
      throw new Error("no");
    },
  },
  "a retryDelay of NaN": { retryDelay: () => Number.NaN },
  "a retryDelay of -1": { retryDelay: () => -1 },
  "a retryDelay of 1e300": { retryDelay: () => 1e300 },
  "a retryDelay that is a promise": { retryDelay: () => Promise.resolve(5) as unknown as number },
  "an isFailure that throws": {
    isFailure: () => {
      throw new Error("no");
    },
  },
  "an isFailure that is a promise": { isFailure: () => Promise.resolve(true) as unknown as boolean },
};

it.each(Object.entries(CALLBACKS))(
  "goes on with its default after %s, and tells of it once (B07)",
  async (_, options) => {
    const queue = freshQueue();
    const client = bench.client(redis.url);
    const server = await bench.server(
      redis.url,
      () => {
        throw new Error("fails");
      },
      { queue, ...options },
    );
    const task = await client.enqueue(new Task("work"), { queue, maxRetry: 1 });
    await server.hasSettled(1);
    const info = await bench.inspector(redis.url).getTaskInfo(task);
    expect(info).toMatchObject({ state: "retry", retried: 1 });
    // The bench's own delay is gone with the option, so what is left is the default: from a second to a minute.
    const delay = (info.nextProcessAt?.getTime() ?? 0) - Date.now();
    const isDelay = options.retryDelay !== undefined;
    if (isDelay) expect(delay).toBeGreaterThan(500);
    expect(delay).toBeLessThan(60_000);
    expect(server.log.lines.filter((line) => line.startsWith("error"))).toHaveLength(1);
  },
);

it("is not harmed by listeners that throw (B07)", async () => {
  const queue = freshQueue();
  const client = bench.client(redis.url);
  const server = await bench.server(redis.url, () => undefined, { queue });
  for (const event of ["taskStarted", "taskSettled"] as const) {
    server.server.on(event, () => {
      throw new Error("no");
    });
  }
  await client.enqueue(new Task("work"), { queue });
  await server.hasSettled(1);
  await client.enqueue(new Task("work"), { queue });
  await server.hasSettled(2);
  expect(server.log.lines.filter((line) => line.startsWith("error"))).toHaveLength(4);
});
