import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { DecodeError } from "../../src/errors.ts";
import {
  decodeSchedulerEnqueueEvent,
  decodeSchedulerEntry,
  decodeServerInfo,
  decodeTaskMessage,
  decodeWorkerInfo,
  encodeTaskMessage,
} from "../../src/protocol/codec.ts";
import { golden } from "../support/golden.ts";

const DECODERS = [
  decodeTaskMessage,
  decodeServerInfo,
  decodeWorkerInfo,
  decodeSchedulerEntry,
  decodeSchedulerEnqueueEvent,
];

/** Milliseconds; ten times what a slow machine needs, so that only work out of proportion is found. */
const BOUND = 50;

/** Small, seeded, and good enough: xorshift. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/**
 * The milliseconds that decoding takes, whatever comes of it. A machine that pauses us looks like slow work, but not
 * three times in a row.
 */
function cost(decode: (bytes: Uint8Array) => unknown, bytes: Uint8Array): number {
  let least = Number.POSITIVE_INFINITY;
  for (let times = 0; times < 3 && least >= BOUND; times++) {
    const start = performance.now();
    try {
      decode(bytes);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
    }
    least = Math.min(least, performance.now() - start);
  }
  return least;
}

function mutate(bytes: Buffer, random: (below: number) => number): Buffer {
  const copy = Buffer.from(bytes);
  const at = random(copy.length + 1);
  switch (random(6)) {
    case 0:
      return copy.subarray(0, at);
    case 1:
      return copy.subarray(at);
    case 2:
      return Buffer.concat([copy.subarray(0, at), Buffer.from([random(256)]), copy.subarray(at)]);
    case 3:
      return Buffer.concat([copy.subarray(0, at), Buffer.alloc(random(12), 0xff), copy.subarray(at)]);
    case 4:
      return Buffer.concat([copy, copy.subarray(at)]);
    default:
      if (at < copy.length) copy[at] = random(256);
      return copy;
  }
}

const valid = [
  ...golden<{ hex?: string }[]>("task-messages.json"),
  ...golden<{ hex: string }[]>("decoding.json"),
  ...Object.values(golden<Record<string, { hex: string }[] | string>>("records.json")).flatMap((rows) =>
    typeof rows === "string" ? [] : rows,
  ),
].flatMap(({ hex }) => (hex ? [Buffer.from(hex, "hex")] : []));

function* inputs(count: number, seed: number): Generator<Buffer> {
  const random = randomNumbers(seed);
  for (let i = 0; i < count; i++) {
    if (i % 3 === 0) {
      yield Buffer.from(Array.from({ length: random(120) }, () => random(256)));
      continue;
    }
    let bytes = valid[random(valid.length)] as Buffer;
    for (let times = 1 + random(4); times > 0; times--) bytes = mutate(bytes, random);
    yield bytes;
  }
}

describe("hostile bytes", () => {
  it("are decoded or refused with a DecodeError, at once, and nothing of them stays behind", () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    for (const bytes of inputs(1_000, 1)) for (const decode of DECODERS) cost(decode, bytes);

    collect();
    const before = process.memoryUsage().heapUsed;
    let slowest = 0;
    for (const bytes of inputs(20_000, 2)) {
      for (const decode of DECODERS) slowest = Math.max(slowest, cost(decode, bytes));
    }
    collect();
    expect(slowest).toBeLessThan(BOUND);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(4_000_000);
  });

  it("say the same again once they were decoded and encoded", () => {
    let accepted = 0;
    for (const bytes of inputs(20_000, 3)) {
      let message: ReturnType<typeof decodeTaskMessage>;
      try {
        message = decodeTaskMessage(bytes);
      } catch {
        continue;
      }
      accepted++;
      const again = decodeTaskMessage(encodeTaskMessage(message));
      if (!encodeTaskMessage(again).equals(encodeTaskMessage(message))) expect(again).toEqual(message);
    }
    expect(accepted).toBeGreaterThan(1_000);
  });

  const MB10 = 10_000_000;
  const field = (tag: number, content: Buffer) => {
    const head = Buffer.alloc(5);
    head[0] = tag;
    for (let i = 0, rest = content.length; i < 4; i++, rest >>>= 7)
      head[i + 1] = (rest & 0x7f) | (i < 3 ? 0x80 : 0);
    return Buffer.concat([head, content]);
  };
  const random = randomNumbers(4);
  const noise = Buffer.alloc(MB10);
  for (let at = 0; at < MB10; at += 4) noise.writeUInt32LE(random(2 ** 32), at);

  it.each([
    ["noise", noise],
    ["one endless varint", Buffer.alloc(MB10, 0xff)],
    ["a varint field that never ends", Buffer.alloc(MB10, 0x80).fill(0x28, 0, 1)],
    ["groups in groups", Buffer.alloc(MB10, 0x83)],
    ["groups in groups, of one byte each", Buffer.alloc(MB10, 0x0b)],
    ["a length beyond the end", Buffer.concat([Buffer.from("0affffffff0f", "hex"), noise])],
    ["text that is not UTF-8", field(0x0a, noise)],
    ["text that is wrong in its last byte", field(0x0a, Buffer.alloc(MB10, 0x61).fill(0xff, MB10 - 1))],
    ["a payload of noise", field(0x12, noise)],
    ["headers of noise", field(0x7a, noise)],
    ["an unknown field of noise", Buffer.concat([Buffer.from([0x82]), field(0x01, noise)])],
  ])("10 MB: %s", (_, bytes) => {
    for (const decode of DECODERS) expect(cost(decode, bytes)).toBeLessThan(BOUND);
  });

  it.each([
    ["the same number over and over", "2801"],
    ["fields of a newer peer", "80010a"],
    ["headers", "7a00"],
    ["open and closed groups", "83018401"],
  ])("10 MB of tiny fields cost time in proportion: %s", (_, unit) => {
    const bytes = Buffer.alloc(MB10, Buffer.from(unit, "hex"));
    expect(
      cost(decodeTaskMessage, bytes.subarray(0, bytes.length - (bytes.length % (unit.length / 2)))),
    ).toBeLessThan(5_000);
  });

  it("groups nest as deep as Go allows, and no deeper", () => {
    const nested = (depth: number) =>
      Buffer.concat([
        Buffer.alloc(2 * depth, Buffer.from("8301", "hex")),
        Buffer.alloc(2 * depth, Buffer.from("8401", "hex")),
      ]);
    expect(nested(10_001).equals(decodeTaskMessage(nested(10_001)).unknownFields ?? Buffer.alloc(0))).toBe(
      true,
    );
    expect(() => decodeTaskMessage(nested(10_002))).toThrow(DecodeError);
  });
});
