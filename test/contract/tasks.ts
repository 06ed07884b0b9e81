import { expect } from "vitest";
import type { ForwardResult, Leased, OutcomeAnswer, Settlement } from "../../src/broker/broker.ts";
import type { EnqueueEntry } from "../../src/broker/enqueue-entry.ts";
import type { TaskRecord } from "../../src/broker/inspection.ts";
import type { TaskMessage } from "../../src/protocol/task-message.ts";
import type { EngineHarness } from "./harness.ts";

type Store = Pick<EngineHarness, "broker" | "inspection">;

let made = 0;

/** A message with an id of its own and a small payload. */
export function message(queue: string, fields: Partial<TaskMessage> = {}): TaskMessage {
  made += 1;
  return {
    type: "email:welcome",
    payload: Buffer.from('{"userId":42}'),
    id: `task-${made}`,
    queue,
    retry: 25,
    retried: 0,
    errorMsg: "",
    timeout: 1800,
    deadline: 0,
    uniqueKey: "",
    lastFailedAt: 0,
    retention: 0,
    completedAt: 0,
    groupKey: "",
    headers: new Map(),
    ...fields,
  };
}

/** An entry that locks `key` for `ttl` milliseconds. */
export function unique(
  queue: string,
  key: string,
  ttl = 60_000,
  fields: Partial<TaskMessage> = {},
): EnqueueEntry {
  const uniqueKey = `asynq:{${queue}}:unique:email:welcome:${key}`;
  return { message: message(queue, { uniqueKey, ...fields }), uniqueTtl: ttl };
}

/** Enqueues one task that must be accepted; answers its id. */
export async function enqueued(
  { broker }: Pick<Store, "broker">,
  queue: string,
  fields: Partial<TaskMessage> = {},
  entry: Omit<EnqueueEntry, "message"> = {},
): Promise<string> {
  const task = message(queue, fields);
  const [answer] = await broker.enqueue([{ message: task, ...entry }]);
  expect(answer?.status).toBe("enqueued");
  return task.id;
}

/** Leases exactly `count` tasks. */
export async function leased(
  { broker }: Pick<Store, "broker">,
  queue: string,
  count: number,
): Promise<Leased[]> {
  const { leased } = await broker.exchange(queue, [], count);
  expect(leased).toHaveLength(count);
  return leased;
}

/** Leases exactly one task. */
export async function leasedOne(store: Pick<Store, "broker">, queue: string): Promise<Leased> {
  const [one] = await leased(store, queue, 1);
  return one as Leased;
}

/** Enqueues one task and leases it. */
export async function running(
  store: Pick<Store, "broker">,
  queue: string,
  fields: Partial<TaskMessage> = {},
  entry: Omit<EnqueueEntry, "message"> = {},
): Promise<Leased> {
  await enqueued(store, queue, fields, entry);
  return leasedOne(store, queue);
}

export async function settled(
  { broker }: Pick<Store, "broker">,
  attempt: Leased,
  settlement: Settlement,
): Promise<OutcomeAnswer> {
  const { answers } = await broker.exchange(attempt.message.queue, [{ leased: attempt, settlement }], 0);
  expect(answers).toHaveLength(1);
  return answers[0] as OutcomeAnswer;
}

export const done: Settlement = { kind: "done" };
export const requeue: Settlement = { kind: "requeue" };

export function complete({ message }: Leased, expireAt: number, result?: Uint8Array): Settlement {
  return {
    kind: "complete",
    message: { ...message, retention: 60, completedAt: Math.floor(expireAt / 1_000) - 60 },
    expireAt,
    ...(result && { result }),
  };
}

type RetrySettlement = Extract<Settlement, { kind: "retry" }>;
type ArchiveSettlement = Extract<Settlement, { kind: "archive" }>;

export function retry(
  { message }: Pick<Leased, "message">,
  retryAt: number,
  isFailure = true,
): RetrySettlement {
  const retried = message.retried + (isFailure ? 1 : 0);
  return { kind: "retry", message: { ...message, retried, errorMsg: "it broke" }, retryAt, isFailure };
}

export function archive({ message }: Pick<Leased, "message">): ArchiveSettlement {
  return { kind: "archive", message: { ...message, errorMsg: "it broke" } };
}

/** Forwards until nothing is due. */
export async function forwardAll({ broker }: Pick<Store, "broker">, queue: string): Promise<ForwardResult> {
  for (;;) {
    const result = await broker.forward(queue, 100);
    if (result.moved < 100) return result;
  }
}

export function ids(tasks: readonly { readonly message: TaskMessage | undefined }[]): (string | undefined)[] {
  return tasks.map(({ message }) => message?.id);
}

export async function stateOf({ inspection }: Store, queue: string, id: string): Promise<string | undefined> {
  return (await inspection.taskInfo(queue, id))?.state;
}

/** The one task, which must be there. */
export async function record({ inspection }: Store, queue: string, id: string): Promise<TaskRecord> {
  const found = await inspection.taskInfo(queue, id);
  expect(found).toBeDefined();
  return found as TaskRecord;
}

export interface Counts {
  readonly pending?: number;
  readonly active?: number;
  readonly scheduled?: number;
  readonly retry?: number;
  readonly archived?: number;
  readonly completed?: number;
  readonly aggregating?: number;
}

/** How many tasks the queue holds by state; states without any are left out. */
export async function counts({ inspection }: Pick<Store, "inspection">, queue: string): Promise<Counts> {
  const info = await inspection.queueInfo(queue);
  if (info === undefined) return {};
  const { pending, active, scheduled, retry, archived, completed, aggregating } = info;
  const all = { pending, active, scheduled, retry, archived, completed, aggregating };
  return Object.fromEntries(Object.entries(all).filter(([, count]) => count > 0));
}

/** Attempts that the queue has counted. */
export async function attempts(
  { inspection }: Pick<Store, "inspection">,
  queue: string,
): Promise<{ processed: number; failed: number }> {
  const info = await inspection.queueInfo(queue);
  return { processed: info?.processedTotal ?? 0, failed: info?.failedTotal ?? 0 };
}

export function text(bytes: Uint8Array | undefined): string | undefined {
  return bytes && Buffer.from(bytes).toString();
}
