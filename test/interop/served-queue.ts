import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeEach, expect } from "vitest";
import { Client } from "../../src/client/client.ts";
import { createRedisEngine } from "../../src/engine/redis/redis-engine.ts";
import { SkipRetry } from "../../src/errors.ts";
import { Inspector } from "../../src/inspector/inspector.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { Server } from "../../src/server/server.ts";
import type { ServerOptions } from "../../src/server/server-options.ts";
import { Task } from "../../src/task.ts";
import type { FileRedis } from "../support/redis-rig.ts";
import { counted } from "./counts.ts";
import { eventually, tell } from "./news.ts";

/** What {@link ServedQueue.fill} makes, by Go's names of the states. */
export const FILLED = {
  Scheduled: ["s-1", "s-2", "s-3"],
  Retry: ["r-1", "r-2", "r-3"],
  Archived: ["x-1", "x-2", "x-3"],
  Completed: ["c-1", "c-2", "c-3"],
  Aggregating: ["g-1", "g-2", "g-3"],
  Pending: ["p-1", "p-2", "p-3"],
} as const;

export type FilledState = keyof typeof FILLED;

/** A queue of each test's own, which a server of ours serves, and which somebody else changes. */
export class ServedQueue {
  readonly inspector: Inspector;
  readonly client: Client;
  /** So that nothing of an earlier test is in it. */
  name = "";
  /** Attempts that began, by the tasks' ids. */
  began: string[] = [];
  payloads: unknown[] = [];
  /** Handlers of type `wait` go on. */
  goOn: () => void = () => undefined;
  readonly #redis: FileRedis;
  readonly #engine: ReturnType<typeof createRedisEngine>;
  #server: Server | undefined;

  /** For the calling test file. */
  constructor(redis: FileRedis) {
    this.#redis = redis;
    this.#engine = createRedisEngine(redis.url, { logger: silentLogger });
    this.client = new Client(this.#engine);
    this.inspector = new Inspector(this.#engine);
    beforeEach(() => {
      this.name = `q-${randomUUID()}`;
      this.began = [];
      this.payloads = [];
    });
    afterEach(async ({ task }) => {
      this.goOn();
      await this.#server?.shutdown();
      this.#server = undefined;
      if (task.result?.state === "pass") counted("tool-scenarios");
    });
    afterAll(async () => {
      await this.client.close();
      await this.inspector.close();
      await this.#engine.close();
    });
  }

  /** A server of ours. A task of type `fail` or `hopeless` succeeds when it is run again. */
  async serve(options: ServerOptions = {}): Promise<Server> {
    const gate = new Promise<void>((resolve) => {
      this.goOn = resolve;
    });
    const server = new Server(this.#engine, {
      queues: { [this.name]: 1 },
      concurrency: 10,
      retryDelay: () => 3_600_000,
      abortGrace: "50ms",
      shutdownTimeout: "1s",
      logger: silentLogger,
      ...options,
    });
    this.#server = server;
    await server.start(async (task, ctx) => {
      const again = this.began.includes(ctx.taskId);
      this.began.push(ctx.taskId);
      this.payloads.push(task.payload);
      tell();
      if (task.type === "fail" && !again) throw new Error("no luck");
      if (task.type === "hopeless" && !again) throw new SkipRetry("never again");
      if (task.type === "wait") await Promise.race([gate, aborted(ctx.signal)]);
      return task.type;
    });
    return server;
  }

  async add(id: string, options: object = {}, type = "t"): Promise<void> {
    await this.client.enqueue(new Task(type, { id }), { queue: this.name, taskId: id, ...options });
  }

  async stateOf(id: string): Promise<string> {
    return (await this.inspector.getTaskInfo({ queue: this.name, id })).state;
  }

  reaches(id: string, state: string): Promise<void> {
    return eventually(`${id} is ${state}`, async () => (await this.stateOf(id)) === state);
  }

  async has(id: string): Promise<boolean> {
    const { tasks } = await this.inspector.search(`id:${id}`, { queues: [this.name] });
    return tasks.length > 0;
  }

  /** Three tasks in each state, made by a server of ours, which then is held by a pause. */
  async fill(): Promise<void> {
    await this.serve();
    for (const id of FILLED.Retry) await this.add(id, {}, "fail");
    for (const id of FILLED.Archived) await this.add(id, {}, "hopeless");
    for (const id of FILLED.Completed) await this.add(id, { retention: "1h" });
    for (const id of FILLED.Retry) await this.reaches(id, "retry");
    for (const id of FILLED.Archived) await this.reaches(id, "archived");
    for (const id of FILLED.Completed) await this.reaches(id, "completed");
    await this.inspector.pauseQueue(this.name);
    // The fraction of a second must not outlive what Go does with the task.
    for (const id of FILLED.Scheduled) await this.add(id, { processIn: 59_456 });
    for (const id of FILLED.Aggregating) await this.add(id, { group: "g" });
    for (const id of FILLED.Pending) await this.add(id);
  }

  /**
   * Go knows nothing of the fractions of a second beside its sets. What it leaves there is dropped when it is due, or with
   * the key, two minutes later.
   */
  leavesFractions(): void {
    this.#redis.expectDamage("I9");
  }

  /** Lets the server go on: it runs these, and nothing else, once more. Then it is held again: what is run next waits to be awaited. */
  async runs(ids: readonly string[]): Promise<void> {
    const before = this.began.length;
    await this.inspector.unpauseQueue(this.name);
    await eventually(`${ids.join(" ")} run`, () => ids.every((id) => this.began.indexOf(id, before) !== -1));
    await eventually(
      "they have ended",
      async () => (await this.inspector.getQueueInfo(this.name)).active === 0,
    );
    await this.inspector.pauseQueue(this.name);
    expect(this.began.slice(before).sort()).toEqual([...ids].sort());
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
}
