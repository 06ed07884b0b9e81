/** What travels in every task of every system: about 100 bytes as JSON. */
export interface Payload {
  /** Counts from 0, so that a lost or doubled task is seen. */
  readonly n: number;
  /** When it was enqueued: nanoseconds of the machine's monotonic clock, the same in every process. */
  readonly at: number;
  readonly pad: string;
}

export const PAD = "x".repeat(60);

export interface Producer {
  enqueue(payload: Payload): Promise<void>;
  enqueueBulk(payloads: Payload[], delayMs?: number): Promise<void>;
  close(): Promise<void>;
}

export interface Consumer {
  /** Begins to take tasks; connections are up already. */
  start(): Promise<void>;
  close(): Promise<void>;
}

export interface ConsumerOptions {
  readonly concurrency: number;
  readonly handle: (payload: Payload) => void;
}

/** A task queue under measurement, with settings a user would keep: finished tasks are not stored. */
export interface System {
  producer(url: string): Promise<Producer>;
  consumer(url: string, options: ConsumerOptions): Promise<Consumer>;
  /** Tasks the store still holds in a queue or as running. */
  leftover(url: string): Promise<number>;
}

/** What is compared on each kind of store. */
export const SYSTEMS = {
  redis: ["titanqueue", "bullmq", "bee-queue", "asynq"],
  sqlite: ["titanqueue", "plainjob", "liteque"],
  memory: ["titanqueue"],
} as const;
export type Store = keyof typeof SYSTEMS;
export type SystemName = (typeof SYSTEMS)[Store][number];
/** Measured by a program of its own language, `bench/go/`, with the same scenarios, payloads and counting. */
export type GoSystem = "asynq";
export type NodeSystem = Exclude<SystemName, GoSystem>;

const ELSEWHERE: Partial<Record<NodeSystem, string>> = {
  plainjob: "../sqlite/plainjob.ts",
  liteque: "../sqlite/liteque.ts",
};

export async function loadSystem(name: NodeSystem): Promise<System> {
  const module = (await import(ELSEWHERE[name] ?? `./${name}.ts`)) as { default: System };
  return module.default;
}
