import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";
import { createRedisEngine } from "../../src/engine/redis/redis-engine.ts";
import { LeaseLostError } from "../../src/errors.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import type { Handler } from "../../src/server/handler.ts";
import { limit } from "../../src/server/limits.ts";
import { Server } from "../../src/server/server.ts";
import { Ledger } from "./history.ts";
import { SHORT_LEASE, SHORT_TIMINGS } from "./short-timings.ts";
import { type GateName, Gates, gatedEngine } from "./worker-gates.ts";
import type { Work, WorkerSpec } from "./worker-rig.ts";

/** A server in a process of its own, which a test can hold, stop and kill. `worker-rig.ts` starts it. */

const spec = JSON.parse(process.argv[2] ?? "") as WorkerSpec;
// Pipes are written synchronously: a line is out before whatever comes next.
const say = (...words: readonly (string | number)[]) => process.stdout.write(`${words.join(" ")}\n`);

const ledger = new Ledger(spec.ledgers, spec.name);
const gates = new Gates(spec.gates, (gate) => say("held", gate));
const releases = new Set<() => void>();

const engine = gatedEngine(
  createRedisEngine(
    spec.url,
    { logger: silentLogger, commandTimeout: spec.commandTimeout },
    { timings: SHORT_LEASE },
  ),
  { gates, onAnswer: (id, answer) => say("answered", id, answer) },
);

function keyOf(payload: unknown): string {
  return (payload as Work).key ?? "";
}

const server = new Server(
  engine,
  {
    concurrency: spec.concurrency,
    queues: { [spec.queue]: 1 },
    shutdownTimeout: spec.shutdownTimeout,
    abortGrace: spec.abortGrace,
    retryDelay: () => 50,
    limits: spec.perKey === undefined ? [] : [limit("work", { concurrency: spec.perKey, key: keyOf })],
    logger: silentLogger,
  },
  { timings: SHORT_TIMINGS },
);

const handler: Handler = async (task, ctx) => {
  const { taskId: id, attempt } = ctx;
  ledger.write({ type: "start", id, attempt });
  say("started", id, attempt);
  ctx.signal.addEventListener("abort", () => say("aborted", id, ctx.signal.reason.code));
  let ok = false;
  try {
    await work((task.payload ?? {}) as Work, ctx);
    ok = true;
    return { by: spec.name, attempt };
  } finally {
    ledger.write({ type: "end", id, attempt, ok });
    say("ended", id);
  }
};

async function work({ is = "quick", ms = 0 }: Work, ctx: Parameters<Handler>[1]): Promise<void> {
  switch (is) {
    case "quick":
      if (ms > 0) await wait(ms);
      return;
    case "heedful":
      return heedful(ctx.signal);
    case "heedless":
      return released();
    case "writes-late":
      await released();
      await ctx.result.write("late").catch((error: unknown) => {
        say("refused", ctx.taskId, error instanceof LeaseLostError ? "lease-lost" : String(error));
      });
      return;
    case "quick-then-heedless":
      return ctx.retried === 0 ? undefined : released();
    case "exits-once":
      if (ctx.retried === 0) process.exit(0);
      return;
    case "rejects-once":
      if (ctx.retried > 0) return;
      void Promise.reject(new Error("nobody handles this"));
      return released();
    case "shuts-down":
      // Not awaited: a shutdown waits for this handler.
      void server.shutdown();
      void server.shutdown();
      return;
  }
}

function released(): Promise<void> {
  return new Promise((resolve) => releases.add(resolve));
}

/** Until it is released or told to end. */
async function heedful(signal: AbortSignal): Promise<void> {
  const aborted = new Promise<never>((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason));
  });
  await Promise.race([released(), aborted]);
}

server.on("taskSettled", ({ taskId, outcome, cause }) => {
  if (outcome === "requeue") ledger.write({ type: "requeue", id: taskId });
  say("settled", taskId, outcome, cause);
});
server.on("leaseLost", ({ taskId }) => say("lost", taskId));
server.on("engine", ({ state }) => say("engine", state));

/** Says how the server does, each time that changes. */
async function tellHealth(): Promise<void> {
  for (let told = ""; told !== "stopped"; await wait(10)) {
    const { status } = server.health();
    if (status !== told) say(status);
    told = status;
  }
}

const orders = createInterface({ input: process.stdin });
orders.on("line", (line) => {
  const [order, word] = line.split(" ");
  if (order === "open") gates.open(word as GateName);
  else if (order === "release") {
    for (const release of releases) release();
    releases.clear();
  }
});
// The test is gone.
orders.once("close", () => process.exit(1));

const running = server.run(handler);
say("running");
void tellHealth();
const code = await running;
say("exit", code);
process.exit(code);
