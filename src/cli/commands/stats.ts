import type { Command } from "commander";
import type { QueueInfo } from "titanqueue";
import { type Exit, operate } from "../operate.ts";
import { count } from "../progress.ts";
import type { Session } from "../session.ts";
import { shownLength } from "../shown-time.ts";
import type { Fact } from "../table.ts";
import { STATES } from "./shared.ts";

export function statsCommand(program: Command, exit: Exit): void {
  program
    .command("stats")
    .description("the whole store at a glance: tasks by state, today's work, servers")
    .action(operate(exit, stats));
}

const SUMMED = [...STATES, "size", "processed", "failed", "processedTotal", "failedTotal"] as const;

async function stats({ inspector, out, place }: Session): Promise<undefined> {
  const names = await inspector.queues();
  const [queues, servers] = await Promise.all([
    Promise.all(names.map((name) => inspector.getQueueInfo(name))),
    inspector.servers(),
  ]);
  const totals = Object.fromEntries(SUMMED.map((name) => [name, sum(queues, name)])) as Totals;
  const latency = Math.max(0, ...queues.map((queue) => queue.latency));
  const workers = servers.reduce((all, server) => all + server.workers.length, 0);
  const rows: readonly Fact[] = [
    ["store", place.shown],
    ["queues", names.length],
    ["servers", servers.length],
    ["running now", workers],
    ...STATES.map((state): Fact => [state, count(totals[state])]),
    ["oldest pending", totals.pending === 0 ? undefined : `waits ${shownLength(latency)}`],
    ["processed today", count(totals.processed)],
    ["failed today", `${count(totals.failed)}${rate(totals)}`],
    ["processed ever", count(totals.processedTotal)],
    ["failed ever", count(totals.failedTotal)],
  ];
  out.facts(
    { store: place.shown, totals: { ...totals, latency }, servers: servers.length, workers, queues },
    rows,
  );
  return undefined;
}

type Totals = Readonly<Record<(typeof SUMMED)[number], number>>;

function sum(queues: readonly QueueInfo[], name: (typeof SUMMED)[number]): number {
  return queues.reduce((all, queue) => all + queue[name], 0);
}

function rate({ processed, failed }: Totals): string {
  return processed === 0 ? "" : ` (${((failed / processed) * 100).toFixed(1)} %)`;
}
