import { create, type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
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
import type { SchedulerEnqueueEvent, SchedulerEntry } from "../../src/protocol/scheduler-entry.ts";
import type { ServerInfo } from "../../src/protocol/server-info.ts";
import type { Int64, TaskMessage } from "../../src/protocol/task-message.ts";
import type { Timestamp } from "../../src/protocol/timestamp.ts";
import type { WorkerInfo } from "../../src/protocol/worker-info.ts";
import {
  SchedulerEnqueueEventSchema,
  SchedulerEntrySchema,
  ServerInfoSchema,
  TaskMessageSchema,
  WorkerInfoSchema,
} from "../support/oracle/asynq_pb.ts";

const text = fc.oneof(
  fc.string(),
  fc.string({ unit: "binary" }),
  fc.string({ minLength: 120, maxLength: 140 }),
);
const bytes = fc.oneof(fc.uint8Array(), fc.uint8Array({ minLength: 120, maxLength: 300 }));
const int32 = fc.oneof(fc.nat({ max: 200 }), fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }));
const int64 = fc
  .oneof(
    fc.nat().map(BigInt),
    fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
    fc.bigInt(0n, 63n).map((bits) => 1n << bits),
    fc.bigInt(2n ** 53n - 3n, 2n ** 53n + 3n),
  )
  .map((value): Int64 => exact(BigInt.asIntN(64, value)));
const timestamp: fc.Arbitrary<Timestamp> = fc.record({
  seconds: fc.integer({ min: -62_135_596_800, max: 253_402_300_799 }),
  nanos: fc.nat({ max: 999_999_999 }),
});
/** The oracle keeps maps in plain objects, where this one name means something else. */
const name = text.filter((value) => value !== "__proto__");

const taskMessage: fc.Arbitrary<TaskMessage> = fc.record({
  type: text,
  payload: fc.option(
    bytes.filter(({ length }) => length > 0),
    { nil: undefined },
  ),
  id: text,
  queue: text,
  retry: int32,
  retried: int32,
  errorMsg: text,
  timeout: int64,
  deadline: int64,
  uniqueKey: text,
  lastFailedAt: int64,
  retention: int64,
  completedAt: int64,
  groupKey: text,
  headers: fc.array(fc.tuple(name, text), { maxLength: 5 }).map((entries) => new Map(entries)),
});

const serverInfo: fc.Arbitrary<ServerInfo> = fc.record(
  {
    host: text,
    pid: int32,
    serverId: text,
    concurrency: int32,
    queues: fc.array(fc.tuple(name, int32), { maxLength: 5 }).map((entries) => new Map(entries)),
    strictPriority: fc.boolean(),
    status: text,
    startTime: timestamp,
    activeWorkerCount: int32,
    peer: text.filter((value) => value !== ""),
    lag: fc.nat(),
  },
  { noNullPrototype: true },
);

const workerInfo: fc.Arbitrary<WorkerInfo> = fc.record({
  host: text,
  pid: int32,
  serverId: text,
  taskId: text,
  taskType: text,
  taskPayload: bytes,
  queue: text,
  startTime: timestamp,
  deadline: timestamp,
});

const schedulerEntry: fc.Arbitrary<SchedulerEntry> = fc.record({
  id: text,
  spec: text,
  taskType: text,
  taskPayload: bytes,
  enqueueOptions: fc.array(text, { maxLength: 5 }),
  nextEnqueueTime: timestamp,
  prevEnqueueTime: timestamp,
});

const schedulerEnqueueEvent: fc.Arbitrary<SchedulerEnqueueEvent> = fc.record({
  taskId: text,
  enqueueTime: timestamp,
});

function exact(value: bigint): Int64 {
  return value >= -(2n ** 53n) && value < 2n ** 53n ? Number(value) : value;
}

type Plain = Readonly<Record<string, unknown>>;

/** A message of the oracle in the form that ours have: no marks of its own, maps as maps, integers exact. */
function plain(message: Plain): Plain {
  return Object.fromEntries(
    Object.entries(message)
      .filter(([key]) => !key.startsWith("$"))
      .map(([key, value]) => [key, plainValue(key, value)]),
  );
}

function plainValue(key: string, value: unknown): unknown {
  if (typeof value === "bigint") return exact(value);
  if (key === "headers" || key === "queues") return new Map(Object.entries(value as object));
  if (value instanceof Uint8Array) return [...value];
  if (typeof value === "object" && value !== null && "$typeName" in value) return plain(value as Plain);
  return value;
}

/** Our message in that same form; what is absent in ours is empty in the oracle's. */
function flat(message: object): Plain {
  return Object.fromEntries(
    Object.entries(message).map(([key, value]) => {
      if (value === undefined) return [key, []];
      return [key, value instanceof Uint8Array ? [...value] : value];
    }),
  );
}

/** Our message as the oracle's own constructor wants it. */
function oracleMessage<D extends DescMessage>(schema: D, message: object): MessageShape<D> {
  const init = Object.entries(message)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => {
      const kind = schema.fields.find((field) => field.localName === key);
      if (value instanceof Map) return [key, Object.fromEntries(value)];
      if (kind?.fieldKind === "message") return [key, { ...value, seconds: BigInt(value.seconds) }];
      const isInt64 = kind?.fieldKind === "scalar" && kind.scalar === 3;
      return [key, isInt64 ? BigInt(value) : value];
    });
  return create(schema, Object.fromEntries(init));
}

function agrees<T extends object>(
  schema: DescMessage,
  messages: fc.Arbitrary<T>,
  encode: (message: T) => Uint8Array,
  decode: (bytes: Uint8Array) => T,
): void {
  fc.assert(
    fc.property(messages, (message) => {
      const ours = encode(message);
      expect(plain(fromBinary(schema, ours) as unknown as Plain)).toEqual(flat(message));

      const theirs = toBinary(schema, oracleMessage(schema, message));
      expect(flat(decode(theirs))).toEqual(flat(message));
      expect(ours.length).toBe(theirs.length);
    }),
    { numRuns: 500 },
  );
}

describe("the generated codec and ours read each other's", () => {
  it("task messages", () => agrees(TaskMessageSchema, taskMessage, encodeTaskMessage, decodeTaskMessage));
  it("server records", () => agrees(ServerInfoSchema, serverInfo, encodeServerInfo, decodeServerInfo));
  it("worker records", () => agrees(WorkerInfoSchema, workerInfo, encodeWorkerInfo, decodeWorkerInfo));
  it("scheduler entries", () => {
    agrees(SchedulerEntrySchema, schedulerEntry, encodeSchedulerEntry, decodeSchedulerEntry);
  });
  it("enqueue events", () => {
    const schema = SchedulerEnqueueEventSchema;
    agrees(schema, schedulerEnqueueEvent, encodeSchedulerEnqueueEvent, decodeSchedulerEnqueueEvent);
  });
});

describe("fields of a newer peer", () => {
  const fieldNumber = fc.integer({ min: 16, max: 2 ** 29 - 1 });
  const unknown = fc
    .array(fc.tuple(fieldNumber, fc.constantFrom(0, 1, 2, 3, 5), int64, bytes), {
      minLength: 1,
      maxLength: 6,
    })
    .map((fields) => {
      const writer = new BinaryWriter();
      for (const [no, type, number, content] of fields) {
        writer.tag(no, type);
        if (type === WireType.Varint) writer.int64(String(number));
        else if (type === WireType.Bit64) writer.fixed64(7n);
        else if (type === WireType.Bit32) writer.fixed32(7);
        else if (type === WireType.LengthDelimited) writer.bytes(content);
        else writer.tag(1, WireType.LengthDelimited).bytes(content).tag(no, WireType.EndGroup);
      }
      return writer.finish();
    });

  it("are kept, wherever they stand, and written back after the known ones", () => {
    fc.assert(
      fc.property(taskMessage, unknown, unknown, (message, before, after) => {
        const known = encodeTaskMessage(message);
        const decoded = decodeTaskMessage(Buffer.concat([before, known, after]));
        const rest = Buffer.concat([before, after]);
        expect(flat(decoded)).toEqual({ ...flat(message), unknownFields: [...rest] });
        expect(encodeTaskMessage(decoded)).toEqual(Buffer.concat([known, rest]));

        const changed = encodeTaskMessage({ ...decoded, retried: 7 });
        const { $unknown = [], ...theirs } = fromBinary(TaskMessageSchema, changed);
        expect(plain(theirs)).toEqual({ ...flat(message), retried: 7 });
        expect($unknown.length).toBe(fromBinary(TaskMessageSchema, rest).$unknown?.length);
      }),
    );
  });
});
