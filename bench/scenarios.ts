import { type Store, SYSTEMS, type SystemName } from "./systems/system.ts";

/** One thing that is measured. */
export interface Scenario {
  readonly name: string;
  /** @defaultValue "redis" */
  readonly store?: Store;
  /** @defaultValue all that are compared on that store */
  readonly systems?: readonly SystemName[];
  readonly unit: string;
  readonly runs: number;
  readonly size: number;
  readonly concurrency?: number;
  readonly measure:
    | "enqueue-one"
    | "enqueue-concurrent"
    | "enqueue-bulk"
    | "process"
    | "latency"
    | "memory"
    | "idle"
    | "due"
    | "backlog"
    | "backlog-enqueue"
    | "share"
    | "testing";
}

const RUNS = 5;

export const SCENARIOS: readonly Scenario[] = [
  {
    name: "enqueue-one",
    unit: "tasks/s",
    runs: RUNS,
    size: 10_000,
    measure: "enqueue-one",
  },
  {
    name: "enqueue-concurrent",
    unit: "tasks/s",
    runs: RUNS,
    size: 50_000,
    concurrency: 100,
    measure: "enqueue-concurrent",
  },
  {
    name: "enqueue-bulk",
    // asynq v0.26.0 has no call for it.
    systems: ["titanqueue", "bullmq", "bee-queue"],
    unit: "tasks/s",
    runs: RUNS,
    size: 50_000,
    measure: "enqueue-bulk",
  },
  {
    name: "process-c1",
    unit: "tasks/s",
    runs: RUNS,
    size: 10_000,
    concurrency: 1,
    measure: "process",
  },
  {
    name: "process-c10",
    unit: "tasks/s",
    runs: RUNS,
    size: 50_000,
    concurrency: 10,
    measure: "process",
  },
  {
    name: "process-c100",
    unit: "tasks/s",
    runs: RUNS,
    size: 50_000,
    concurrency: 100,
    measure: "process",
  },
  {
    name: "pickup-latency",
    unit: "ms",
    runs: RUNS,
    size: 300,
    concurrency: 10,
    measure: "latency",
  },
  { name: "redis-memory", unit: "bytes/task", runs: RUNS, size: 50_000, measure: "memory" },
  {
    name: "idle-commands",
    unit: "commands/s",
    runs: RUNS,
    size: 30,
    concurrency: 10,
    measure: "idle",
  },
  {
    name: "due-at-once",
    unit: "s",
    runs: 3,
    size: 100_000,
    concurrency: 100,
    measure: "due",
  },
  {
    name: "backlog",
    unit: "ratio",
    runs: 3,
    size: 1_000_000,
    concurrency: 10,
    measure: "backlog",
  },
  {
    name: "sqlite-enqueue-concurrent",
    store: "sqlite",
    unit: "tasks/s",
    runs: RUNS,
    size: 10_000,
    concurrency: 100,
    measure: "enqueue-concurrent",
  },
  {
    name: "sqlite-process-c100",
    store: "sqlite",
    unit: "tasks/s",
    runs: RUNS,
    size: 10_000,
    concurrency: 100,
    measure: "process",
  },
  {
    name: "sqlite-pickup-latency",
    store: "sqlite",
    unit: "ms",
    runs: 3,
    size: 100,
    concurrency: 10,
    measure: "latency",
  },
  {
    name: "sqlite-backlog",
    store: "sqlite",
    // Its peers would take most of the time to be filled.
    systems: ["titanqueue"],
    unit: "ratio",
    runs: 3,
    size: 1_000_000,
    concurrency: 100,
    measure: "backlog",
  },
  {
    name: "sqlite-backlog-enqueue",
    store: "sqlite",
    systems: ["titanqueue"],
    unit: "ratio",
    runs: 3,
    size: 1_000_000,
    concurrency: 100,
    measure: "backlog-enqueue",
  },
  {
    name: "sqlite-four-processes",
    store: "sqlite",
    systems: ["titanqueue"],
    unit: "of the mean",
    runs: 3,
    size: 50_000,
    concurrency: 10,
    measure: "share",
  },
  {
    name: "testing-kit",
    store: "memory",
    unit: "ms/test",
    runs: RUNS,
    size: 200,
    measure: "testing",
  },
];

export function systemsOf({ store = "redis", systems = SYSTEMS[store] }: Scenario): readonly SystemName[] {
  return systems;
}
