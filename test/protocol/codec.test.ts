import { describe, expect, it } from "vitest";
import { DecodeError } from "../../src/errors.ts";
import {
  decodeSchedulerEnqueueEvent,
  decodeSchedulerEntry,
  decodeServerInfo,
  decodeTaskMessage,
  decodeWorkerInfo,
  encodeSchedulerEnqueueEvent,
  encodeSchedulerEntry,
  encodeServerInfo,
  encodeTaskMessage,
  encodeWorkerInfo,
} from "../../src/protocol/codec.ts";
import type { Int64, TaskMessage } from "../../src/protocol/task-message.ts";
import type { Timestamp } from "../../src/protocol/timestamp.ts";
import { golden } from "../support/golden.ts";

/** A message as Go's program wrote it down: absent fields are zero, bytes in hex, 64-bit numbers as text. */
interface GoTaskMessage {
  readonly type?: string;
  readonly payload?: string;
  readonly id?: string;
  readonly queue?: string;
  readonly retry?: number;
  readonly retried?: number;
  readonly error_msg?: string;
  readonly timeout?: string;
  readonly deadline?: string;
  readonly unique_key?: string;
  readonly last_failed_at?: string;
  readonly retention?: string;
  readonly completed_at?: string;
  readonly group_key?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

interface GoTimestamp {
  readonly seconds: string;
  readonly nanos: number;
}

interface GoServerInfo {
  readonly host: string;
  readonly pid: number;
  readonly server_id: string;
  readonly concurrency: number;
  readonly queues: Readonly<Record<string, number>>;
  readonly strict_priority: boolean;
  readonly status: string;
  readonly start_time: GoTimestamp;
  readonly active_worker_count: number;
}

interface GoWorkerInfo {
  readonly host: string;
  readonly pid: number;
  readonly server_id: string;
  readonly task_id: string;
  readonly task_type: string;
  readonly task_payload: string;
  readonly queue: string;
  readonly start_time: GoTimestamp;
  readonly deadline: GoTimestamp;
}

interface GoSchedulerEntry {
  readonly id: string;
  readonly spec: string;
  readonly task_type: string;
  readonly task_payload: string;
  readonly enqueue_options: readonly string[] | null;
  readonly next_enqueue_time: GoTimestamp;
  readonly prev_enqueue_time: GoTimestamp;
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const bytes = (text: string) => Buffer.from(text, "hex");
const timestamp = ({ seconds, nanos }: GoTimestamp): Timestamp => ({ seconds: Number(seconds), nanos });

function int64(text = "0"): Int64 {
  const value = BigInt(text);
  return value >= -(2n ** 53n) && value < 2n ** 53n ? Number(value) : value;
}

function taskMessage(go: GoTaskMessage): TaskMessage {
  return {
    type: go.type ?? "",
    payload: go.payload ? bytes(go.payload) : undefined,
    id: go.id ?? "",
    queue: go.queue ?? "",
    retry: go.retry ?? 0,
    retried: go.retried ?? 0,
    errorMsg: go.error_msg ?? "",
    timeout: int64(go.timeout),
    deadline: int64(go.deadline),
    uniqueKey: go.unique_key ?? "",
    lastFailedAt: int64(go.last_failed_at),
    retention: int64(go.retention),
    completedAt: int64(go.completed_at),
    groupKey: go.group_key ?? "",
    headers: new Map(Object.entries(go.headers ?? {})),
  };
}

describe("task messages", () => {
  const rows =
    golden<{ name: string; fields: GoTaskMessage; hex?: string; error?: string }[]>("task-messages.json");

  it.each(rows.filter((row) => row.hex !== undefined))("encodes and decodes as Go does: $name", (row) => {
    const message = taskMessage(row.fields);
    expect(hex(encodeTaskMessage(message))).toBe(row.hex);
    expect(decodeTaskMessage(bytes(row.hex ?? ""))).toEqual(message);
  });

  it.each(rows.filter((row) => row.error !== undefined))("never writes what Go refuses: $name", (row) => {
    const message = taskMessage(row.fields);
    const decoded = decodeTaskMessage(encodeTaskMessage(message));
    expect(decoded).toEqual(message);
  });

  it("replaces lone surrogates, which have no UTF-8, and decodes strictly what it wrote", () => {
    const message = taskMessage({
      type: "a\ud800",
      error_msg: `${"x".repeat(100)}\udfff`,
      headers: { "\udc00": "\ud83d" },
    });
    const decoded = decodeTaskMessage(encodeTaskMessage(message));
    expect(decoded.type).toBe("a\ufffd");
    expect(decoded.errorMsg).toBe(`${"x".repeat(100)}\ufffd`);
    expect([...decoded.headers]).toEqual([["\ufffd", "\ufffd"]]);
  });

  it("refuses a number that does not fit in 64 bits instead of wrapping it", () => {
    const message = { ...taskMessage({}), deadline: 2n ** 63n };
    expect(() => encodeTaskMessage(message)).toThrow(RangeError);
  });
});

describe("decoding", () => {
  const rows =
    golden<{ name: string; hex: string; ok: boolean; fields?: GoTaskMessage; reencoded?: string }[]>(
      "decoding.json",
    );

  it.each(rows.filter((row) => row.ok))("accepts what Go accepts: $name", (row) => {
    const { unknownFields, ...known } = decodeTaskMessage(bytes(row.hex));
    expect(known).toEqual(taskMessage(row.fields ?? {}));
    expect(hex(encodeTaskMessage(known))).toBe(row.reencoded);
    if (unknownFields) expect(row.hex).toContain(hex(unknownFields));
  });

  it.each(rows.filter((row) => !row.ok))("refuses what Go refuses: $name", (row) => {
    expect(() => decodeTaskMessage(bytes(row.hex))).toThrow(DecodeError);
  });
});

describe("records", () => {
  const records = golden<{
    servers: { fields: GoServerInfo; hex: string }[];
    workers: { fields: GoWorkerInfo; hex: string }[];
    schedulerEntries: { fields: GoSchedulerEntry; hex: string }[];
    schedulerEnqueueEvents: { fields: { task_id: string; enqueue_time: GoTimestamp }; hex: string }[];
  }>("records.json");

  it.each(records.servers)("server $fields.host $fields.status", (row) => {
    const go = row.fields;
    const info = {
      host: go.host,
      pid: go.pid,
      serverId: go.server_id,
      concurrency: go.concurrency,
      queues: new Map(Object.entries(go.queues)),
      strictPriority: go.strict_priority,
      status: go.status,
      startTime: timestamp(go.start_time),
      activeWorkerCount: go.active_worker_count,
    };
    expect(hex(encodeServerInfo(info))).toBe(row.hex);
    expect(decodeServerInfo(bytes(row.hex))).toEqual(info);
  });

  it.each(records.workers)("worker of task $fields.task_id", (row) => {
    const go = row.fields;
    const info = {
      host: go.host,
      pid: go.pid,
      serverId: go.server_id,
      taskId: go.task_id,
      taskType: go.task_type,
      taskPayload: bytes(go.task_payload),
      queue: go.queue,
      startTime: timestamp(go.start_time),
      deadline: timestamp(go.deadline),
    };
    expect(hex(encodeWorkerInfo(info))).toBe(row.hex);
    const { taskPayload, ...rest } = decodeWorkerInfo(bytes(row.hex));
    expect({ ...rest, taskPayload: Buffer.from(taskPayload) }).toEqual(info);
  });

  it.each(records.schedulerEntries)("scheduler entry $fields.spec", (row) => {
    const go = row.fields;
    const entry = {
      id: go.id,
      spec: go.spec,
      taskType: go.task_type,
      taskPayload: bytes(go.task_payload),
      enqueueOptions: go.enqueue_options ?? [],
      nextEnqueueTime: timestamp(go.next_enqueue_time),
      prevEnqueueTime: timestamp(go.prev_enqueue_time),
    };
    expect(hex(encodeSchedulerEntry(entry))).toBe(row.hex);
    const { taskPayload, ...rest } = decodeSchedulerEntry(bytes(row.hex));
    expect({ ...rest, taskPayload: Buffer.from(taskPayload) }).toEqual(entry);
  });

  it.each(records.schedulerEnqueueEvents)("enqueue event of task $fields.task_id", (row) => {
    const event = { taskId: row.fields.task_id, enqueueTime: timestamp(row.fields.enqueue_time) };
    expect(hex(encodeSchedulerEnqueueEvent(event))).toBe(row.hex);
    expect(decodeSchedulerEnqueueEvent(bytes(row.hex))).toEqual(event);
  });
});
