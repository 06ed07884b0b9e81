/**
 * A process of its own on a SQLite file, which does what its parent tells it and answers with what came of it:
 *
 *     node --import tsx test/support/sqlite-program.ts <file> [normal|full]
 */
import { setTimeout as wait } from "node:timers/promises";
import type { Outcome } from "../../src/broker/broker.ts";
import { sqliteEngine } from "../../src/engine/sqlite/sqlite-engine.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { message } from "../contract/tasks.ts";
import type { SqliteAnswer, SqliteOrder } from "./sqlite-process.ts";

const [file = "", synchronous = "normal"] = process.argv.slice(2);
const engine = sqliteEngine(file, { synchronous: synchronous as "normal" | "full", logger: silentLogger });
const { broker } = engine;
let made = 0;

function tell(answer: SqliteAnswer): void {
  process.send?.(answer);
}

function newTask(queue: string, bytes = 0) {
  made += 1;
  return { message: message(queue, { id: `${process.pid}-${made}`, payload: Buffer.alloc(bytes, "x") }) };
}

/** Enqueues three tasks at a time; their ids are told once they are stored. */
async function enqueueOn(queue: string): Promise<void> {
  for (;;) {
    const entries = [newTask(queue), newTask(queue), newTask(queue)];
    const answers = await broker.enqueue(entries);
    if (answers.some(({ status }) => status !== "enqueued")) throw new Error(JSON.stringify(answers));
    tell({ stored: entries.map(({ message }) => message.id) });
  }
}

/** Takes tasks and finishes them until none is left; ids are told once they are settled. */
async function workOn(queue: string, limit: number): Promise<void> {
  let outcomes: Outcome[] = [];
  for (let rest = 0; rest < 20; ) {
    const result = await broker.exchange(queue, outcomes, limit);
    if (result.answers.some((answer) => answer !== "settled")) throw new Error(result.answers.join());
    if (outcomes.length > 0) tell({ settled: outcomes.map(({ leased }) => leased.message.id) });
    outcomes = result.leased.map((leased) => ({ leased, settlement: { kind: "done" } }));
    rest = outcomes.length > 0 ? 0 : rest + 1;
    if (rest > 0) await wait(1);
  }
  tell({ done: true });
}

async function obey(order: SqliteOrder): Promise<void> {
  switch (order.do) {
    case "open":
      await engine.open();
      return tell({ done: true });
    case "enqueue": {
      const [answer] = await broker.enqueue([newTask(order.queue, order.bytes)]);
      if (answer?.status === "failed") throw answer.error;
      return tell({ done: true });
    }
    case "enqueueOn":
      return enqueueOn(order.queue);
    case "workOn":
      return workOn(order.queue, order.limit);
    case "count": {
      const pending = (await engine.inspection.queueInfo(order.queue))?.pending;
      if (pending !== order.pending) throw new Error(`${pending} are pending, not ${order.pending}`);
      return tell({ done: true });
    }
    case "cancel":
      await broker.publishCancelation(order.taskId);
      return tell({ done: true });
    case "close":
      await engine.close();
      process.disconnect();
      return;
  }
}

process.on("message", (order: SqliteOrder) => {
  obey(order).catch((error: Error & { code?: string }) => {
    tell({ failed: error.code ?? error.message, text: error.message });
  });
});
tell({ done: true });
