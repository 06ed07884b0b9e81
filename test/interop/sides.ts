import { onTestFinished } from "vitest";
import { Client } from "../../src/client/client.ts";
import { createRedisEngine } from "../../src/engine/redis/redis-engine.ts";
import { RevokeTask, SkipRetry } from "../../src/errors.ts";
import { Inspector } from "../../src/inspector/inspector.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { Server } from "../../src/server/server.ts";
import { Task } from "../../src/task.ts";
import { GO_SERVER } from "./go-only.ts";
import { tell } from "./news.ts";
import { Peer, type PeerTask, type Step } from "./peer.ts";

/** An attempt that began. */
export interface Attempt {
  readonly task: string;
  readonly type: string;
  readonly retried: number;
  readonly headers: Readonly<Record<string, string>>;
  /** As text. */
  readonly payload: string;
}

export interface ServeOptions {
  readonly concurrency?: number;
  /** Milliseconds before each retry. @defaultValue 0 */
  readonly retryDelay?: number;
  /** Errors of this text are no failures. */
  readonly notFailure?: string;
  /** Of groups, as Go's text; without it, nothing is aggregated. The aggregate's type is `sum`. */
  readonly groupGracePeriod?: string;
}

/** One of the two that share a queue: Go, or Node.js. Payloads made by `script()` drive the handlers of both. */
export interface Side {
  readonly name: "Go" | "Node";
  readonly attempts: readonly Attempt[];
  enqueue(task: PeerTask): Promise<unknown>;
  serve(queue: string, options?: ServeOptions): Promise<void>;
  shutdown(): Promise<void>;
  /** Ends the wait of a task that runs. */
  finish(task: string, step?: Step): Promise<void>;
  cancel(task: string): Promise<void>;
  pause(queue: string): Promise<void>;
  unpause(queue: string): Promise<void>;
}

/** For one test. */
export async function goSide(url: string): Promise<Side & { readonly peer: Peer }> {
  const peer = await Peer.forTest(url);
  return {
    name: "Go",
    peer,
    get attempts() {
      return peer.events
        .filter(({ event }) => event === "started")
        .map(({ task = "", type = "", retried = 0, headers, payload = "" }) => {
          return {
            task,
            type,
            retried,
            headers: headers ?? {},
            payload: Buffer.from(payload, "hex").toString(),
          };
        });
    },
    enqueue: (task) => peer.enqueue(task),
    serve: (queue, { concurrency = 4, retryDelay = 0, notFailure, groupGracePeriod } = {}) => {
      return peer.serve({
        ...GO_SERVER,
        name: "s",
        queues: { [queue]: 1 },
        concurrency,
        retryDelay: `${retryDelay}ms`,
        ...(notFailure !== undefined && { notFailure }),
        ...(groupGracePeriod !== undefined && { groupGracePeriod, aggregate: "sum" }),
      });
    },
    shutdown: () => peer.shutdown("s"),
    finish: (task, step) => peer.finish(task, step),
    cancel: (task) => peer.inspect("CancelProcessing", task),
    pause: (queue) => peer.inspect("PauseQueue", queue),
    unpause: (queue) => peer.inspect("UnpauseQueue", queue),
  };
}

/** For one test, in this process. */
export function nodeSide(url: string): Side & { readonly inspector: Inspector } {
  const engine = createRedisEngine(url, { logger: silentLogger });
  const client = new Client(engine);
  const inspector = new Inspector(engine);
  const attempts: Attempt[] = [];
  const finishing = new Map<string, (step: Step) => void>();
  let server: Server | undefined;
  onTestFinished(async () => {
    await server?.shutdown({ timeout: 0 });
    await client.close();
    await inspector.close();
    await engine.close();
  });
  return {
    name: "Node",
    attempts,
    inspector,
    enqueue: async ({ type, payload, headers, options }) => {
      const bytes = payload === undefined ? undefined : Buffer.from(payload);
      await client.enqueue(new Task(type, bytes), { ...options, ...(headers && { headers }) } as object);
    },
    serve: async (queue, { concurrency = 4, retryDelay = 0, notFailure, groupGracePeriod } = {}) => {
      server = new Server(engine, {
        queues: { [queue]: 1 },
        concurrency,
        retryDelay: () => retryDelay,
        isFailure: (error) => !(error instanceof Error && error.message === notFailure),
        abortGrace: "50ms",
        logger: silentLogger,
        ...(groupGracePeriod !== undefined && {
          groupGracePeriod,
          groupAggregator: (_, tasks) => {
            return new Task(
              "sum",
              Buffer.from(JSON.stringify(tasks.map(({ bytes }) => String(Buffer.from(bytes ?? []))))),
            );
          },
        }),
      });
      await server.start(async (task, ctx) => {
        const payload = Buffer.from(task.bytes ?? []).toString();
        // Asked for before it may begin, so that nobody can finish it too early.
        const finished = new Promise<Step>((resolve, reject) => {
          finishing.set(ctx.taskId, resolve);
          ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason));
        });
        finished.catch(() => undefined);
        attempts.push({
          task: ctx.taskId,
          type: task.type,
          retried: ctx.retried,
          headers: { ...task.headers },
          payload,
        });
        tell();
        let step = stepOf(payload, ctx.retried);
        if (step.wait) step = await finished;
        if (step.result !== undefined) await ctx.result.write(Buffer.from(step.result));
        if (step.panic !== undefined) throw new TypeError(step.panic);
        if (step.revoke) throw new RevokeTask();
        if (step.skip) throw new SkipRetry(step.error ?? "");
        if (step.error !== undefined) throw new Error(step.error);
      });
    },
    shutdown: async () => {
      await server?.shutdown();
    },
    finish: async (task, step = {}) => finishing.get(task)?.(step),
    cancel: (task) => inspector.cancelProcessing(task),
    pause: async (queue) => {
      await inspector.pauseQueue(queue);
    },
    unpause: async (queue) => {
      await inspector.unpauseQueue(queue);
    },
  };
}

/** The steps in a payload; one that is none of `script()` has none, and succeeds. */
function stepOf(payload: string, retried: number): Step {
  const { script = [] } = payload.startsWith("{") ? (JSON.parse(payload) as { script?: Step[] }) : {};
  return script[Math.min(retried, script.length - 1)] ?? {};
}
