import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
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
import {
  formatGoDuration,
  type GoOption,
  goOptionText,
  parseGoDuration,
} from "../../src/protocol/go-text.ts";
import { serverKey, workersKey } from "../../src/protocol/keys.ts";
import type { Int64 } from "../../src/protocol/task-message.ts";
import type { Timestamp } from "../../src/protocol/timestamp.ts";
import { uniqueKey } from "../../src/protocol/unique-key.ts";
import { redisForFile } from "../support/redis-rig.ts";
import { counted } from "./counts.ts";
import { goProgram } from "./go-modules.ts";
import { Peer } from "./peer.ts";

/** The names of Go's structs. */
type Fields = Readonly<Record<string, unknown>>;

interface Vector {
  readonly fields: Fields;
  readonly hex: string;
  readonly key?: string;
}

const DIRECTORY = fileURLToPath(new URL("vectors/", import.meta.url));

function lines<L>(name: string): L[] {
  const text = readFileSync(`${DIRECTORY}${name}.jsonl`, "utf8");
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

const hexOf = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString("hex");
const bytesOf = (hex: string) => Buffer.from(hex, "hex");
const text = (value: Int64) => String(value);
const instant = ({ seconds, nanos }: Timestamp) => ({ seconds: String(seconds), nanos });
const object = <V>(map: ReadonlyMap<string, V>) => Object.fromEntries(map);

/** A record that was read, in Go's names, and as we write it. */
interface Reading {
  readonly fields: Fields;
  readonly bytes: Uint8Array;
  readonly key?: string;
}

const KINDS: Readonly<Record<string, (bytes: Uint8Array) => Reading>> = {
  "task-messages": (bytes) => {
    const m = decodeTaskMessage(bytes);
    return {
      fields: {
        Type: m.type,
        Payload: hexOf(m.payload),
        Headers: object(m.headers),
        ID: m.id,
        Queue: m.queue,
        Retry: m.retry,
        Retried: m.retried,
        ErrorMsg: m.errorMsg,
        LastFailedAt: text(m.lastFailedAt),
        Timeout: text(m.timeout),
        Deadline: text(m.deadline),
        UniqueKey: m.uniqueKey,
        GroupKey: m.groupKey,
        Retention: text(m.retention),
        CompletedAt: text(m.completedAt),
      },
      bytes: encodeTaskMessage(m),
    };
  },
  servers: (bytes) => {
    const m = decodeServerInfo(bytes);
    return {
      fields: {
        Host: m.host,
        PID: m.pid,
        ServerID: m.serverId,
        Concurrency: m.concurrency,
        Queues: object(m.queues),
        StrictPriority: m.strictPriority,
        Status: m.status,
        Started: instant(m.startTime),
        ActiveWorkerCount: m.activeWorkerCount,
      },
      bytes: encodeServerInfo(m),
      key: serverKey(m),
    };
  },
  workers: (bytes) => {
    const m = decodeWorkerInfo(bytes);
    return {
      fields: {
        Host: m.host,
        PID: m.pid,
        ServerID: m.serverId,
        ID: m.taskId,
        Type: m.taskType,
        Payload: hexOf(m.taskPayload),
        Queue: m.queue,
        Started: instant(m.startTime),
        Deadline: instant(m.deadline),
      },
      bytes: encodeWorkerInfo(m),
      key: workersKey(m),
    };
  },
  "scheduler-entries": (bytes) => {
    const m = decodeSchedulerEntry(bytes);
    return {
      fields: {
        ID: m.id,
        Spec: m.spec,
        Type: m.taskType,
        Payload: hexOf(m.taskPayload),
        Opts: m.enqueueOptions,
        Next: instant(m.nextEnqueueTime),
        Prev: instant(m.prevEnqueueTime),
      },
      bytes: encodeSchedulerEntry(m),
    };
  },
  "enqueue-events": (bytes) => {
    const m = decodeSchedulerEnqueueEvent(bytes);
    return {
      fields: { TaskID: m.taskId, EnqueuedAt: instant(m.enqueueTime) },
      bytes: encodeSchedulerEnqueueEvent(m),
    };
  },
};

/** Absent and empty are one on the wire. */
const onWire = (fields: Fields): Fields =>
  Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, value ?? emptyOf(name)]));
const emptyOf = (name: string) => (name === "Opts" ? [] : name === "Payload" ? "" : {});

const redis = await redisForFile();
let peer: Peer;
beforeAll(async () => {
  peer = await Peer.start(redis.url);
});
afterAll(() => peer.close());

describe.each(Object.entries(KINDS))("vectors of %s", (kind, read) => {
  const vectors = lines<Vector>(kind);

  it("read and written as Go does, and read by Go as written", async () => {
    for (const { fields, hex, key } of vectors) {
      const ours = read(bytesOf(hex));
      expect(ours.fields).toEqual(onWire(fields));
      expect(hexOf(ours.bytes)).toBe(hex);
      if (key !== undefined) expect(ours.key).toBe(key);
      const back = await peer.ask<Fields>("decode", { kind, hex: hexOf(ours.bytes) });
      expect(onWire(back)).toEqual(onWire(fields));
    }
    counted("vectors", vectors.length);
  });
});

describe("vectors of unique keys", () => {
  const vectors = lines<{ queue: string; type: string; payload: string | null; key: string }>("unique-keys");

  it("are Go's", () => {
    for (const { queue, type, payload, key } of vectors) {
      expect(uniqueKey(queue, type, payload === null ? undefined : bytesOf(payload))).toBe(key);
    }
    counted("vectors", vectors.length);
  });
});

describe("vectors of option texts", () => {
  const vectors = lines<{ option: string; value: number | string | [string, string]; text: string }>(
    "option-texts",
  );

  it("are Go's", () => {
    for (const { option, value, text: gos } of vectors) {
      expect(textOf(option, value)).toBe(gos);
    }
    counted("vectors", vectors.length);
  });
});

function textOf(option: string, value: number | string | [string, string]): string {
  if (Array.isArray(value)) return goOptionText(["Header", ...value]);
  switch (option) {
    case "Timeout":
    case "Unique":
    case "ProcessIn":
    case "Retention": {
      // Finer than our options are.
      const written = formatGoDuration(BigInt(value));
      expect(parseGoDuration(written)).toBe(BigInt(value));
      return `${option}(${written})`;
    }
    case "Deadline":
    case "ProcessAt":
      return goOptionText([option, Number(value) * 1_000]);
    default:
      return goOptionText([option, value] as GoOption);
  }
}

describe("the committed vectors", () => {
  it("are what asynq makes now", () => {
    const made = mkdtempSync(join(tmpdir(), "tq-vectors-"));
    onTestFinished(() => rmSync(made, { recursive: true }));
    const { status, stderr } = spawnSync(goProgram("peer"), ["-vectors", made], { encoding: "utf8" });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const names = readdirSync(made).sort();
    expect(names).toEqual(
      readdirSync(DIRECTORY)
        .filter((name) => name.endsWith(".jsonl"))
        .sort(),
    );
    for (const name of names) {
      expect(readFileSync(join(made, name), "utf8") === readFileSync(DIRECTORY + name, "utf8"), name).toBe(
        true,
      );
    }
  });
});
