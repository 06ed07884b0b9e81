import vm from "node:vm";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PayloadNotJsonError, PayloadNotSerializableError } from "../src/errors.ts";
import { decodePayload, encodePayload } from "../src/payload.ts";

class Counter {
  readonly count: number;

  constructor(count: number) {
    this.count = count;
  }

  toJSON(): this {
    return this;
  }
}

class Silent {
  readonly name = "n";
}

const textOf = (value: unknown) => Buffer.from(encodePayload(value) ?? []).toString();

describe("a payload that JSON can hold", () => {
  it("is read as it was written, whatever the value", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(decodePayload(encodePayload(value), "t")).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it.each([
    ["a property that is undefined is left out", { a: undefined, b: 1 }, '{"b":1}'],
    ["a Date becomes ISO text", { at: new Date(0) }, '{"at":"1970-01-01T00:00:00.000Z"}'],
    ["toJSON speaks for its object", { at: { toJSON: () => ({ a: [1] }) } }, '{"at":{"a":[1]}}'],
    ["an object may speak for itself", new Counter(3), '{"count":3}'],
    ["a URL becomes text", new URL("https://example.test/a"), '"https://example.test/a"'],
    ["an object may have no prototype", Object.assign(Object.create(null), { a: 1 }), '{"a":1}'],
    [
      "an object may come from another realm",
      vm.runInNewContext("({ a: [1, { b: null }] })"),
      '{"a":[1,{"b":null}]}',
    ],
    ["the same object may occur twice", twice(), '{"a":{"n":1},"b":[{"n":1},{"n":1}]}'],
    ["null is a value", null, "null"],
    ["half a surrogate pair is escaped", "\ud800", '"\\ud800"'],
  ])("%s", (_title, value, text) => {
    expect(textOf(value)).toBe(text);
  });

  it("keeps whole numbers exact up to 2^53, beyond which a number of JavaScript is not", () => {
    for (const n of [1_000_000_000, 4_294_967_297, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]) {
      expect(textOf({ n })).toBe(`{"n":${n}}`);
      expect(decodePayload(Buffer.from(`{"n":${n}}`), "t")).toEqual({ n });
    }
    // What Go writes of a larger one is read as the nearest there is: who needs it exact has it as text or by a codec.
    expect(decodePayload(Buffer.from("9007199254740993"), "t")).toBe(9_007_199_254_740_992);
  });

  it("is nothing for undefined, and bytes for bytes", () => {
    expect(encodePayload(undefined)).toBeUndefined();
    expect([...(encodePayload(Uint8Array.of(0, 255)) ?? [])]).toEqual([0, 255]);
    expect(encodePayload(new Uint8Array(0))).toHaveLength(0);
    expect(decodePayload(undefined, "t")).toBeUndefined();
    expect(decodePayload(new Uint8Array(0), "t")).toBeUndefined();
  });

  it("may be nested 1,000 levels deep", () => {
    expect(textOf(nested(1_000))).toBe("[".repeat(1_000) + "]".repeat(1_000));
  });
});

describe("a payload that JSON would change without a word", () => {
  const cycle: { self?: unknown } = {};
  cycle.self = { back: [cycle] };

  it.each([
    ["payload", 1n, "BigInt"],
    ["payload.id", { id: 1n }, "BigInt"],
    ["payload.user.items[1]", { user: { items: [1, Number.NaN] } }, "NaN"],
    ["payload[0]", [Number.POSITIVE_INFINITY], "Infinity"],
    ["payload[1]", [1, undefined], "undefined"],
    ["payload[0]", new Array(1), "undefined"],
    ["payload.f", { f: () => 1 }, "function"],
    ["payload.s", { s: Symbol("s") }, "symbol"],
    ["payload.m", { m: new Map() }, "an instance of Map"],
    ["payload", new Set(), "an instance of Set"],
    ["payload.p", { p: Promise.resolve() }, "await it first"],
    ["payload.bytes", { bytes: new Uint8Array(1) }, "an instance of Uint8Array"],
    ["payload.bytes", { bytes: Buffer.alloc(1) }, "an instance of Buffer"],
    ["payload.b", { b: { toJSON: () => Buffer.alloc(1) } }, "an instance of Buffer"],
    ["payload.at", { at: Object.assign(new Date(0), { toJSON: () => 1n }) }, "BigInt"],
    ["payload.user", { user: new Silent() }, "an instance of Silent"],
    ["payload.e", { e: new Error("x") }, "an instance of Error"],
    ["payload.at", { at: new Date(Number.NaN) }, "invalid Date"],
    ["payload.self.back[0]", cycle, "refers back"],
    ['payload["a b"].c', { "a b": { c: Number.NaN } }, "NaN"],
    ["payload.j", { j: { toJSON: () => undefined } }, "undefined"],
    ["payload.j", { j: { toJSON: () => new Map() } }, "an instance of Map"],
    ["payload.j.n", { j: { toJSON: () => ({ n: 1n }) } }, "BigInt"],
    [`payload${"[0]".repeat(1_000)}`, nested(1_001), "nested deeper"],
  ])("is refused at %s", (path, value, problem) => {
    const encode = () => encodePayload(value);
    expect(encode).toThrow(PayloadNotSerializableError);
    expect(encode).toThrow(expect.objectContaining({ path, message: expect.stringContaining(problem) }));
  });
});

describe("a payload that throws when it is read", () => {
  const cause = new RangeError("no luck");
  const fail = () => {
    throw cause;
  };

  it.each([
    ["payload.user.name", { user: Object.defineProperty({}, "name", { enumerable: true, get: fail }) }],
    ["payload[0]", [{ toJSON: fail }]],
    ["payload", new Proxy({}, { ownKeys: fail })],
  ])("is refused at %s, with what it threw as the cause", (path, value) => {
    const encode = () => encodePayload(value);
    expect(encode).toThrow(PayloadNotSerializableError);
    expect(encode).toThrow(
      expect.objectContaining({ path, cause, message: expect.stringContaining("no luck") }),
    );
  });
});

describe("bytes that are not JSON in UTF-8", () => {
  it.each([
    ["cut short", Buffer.from('{"a":')],
    ["not UTF-8", Buffer.from([0x22, 0xc3, 0x28, 0x22])],
    ["behind a byte order mark", Buffer.from("\ufeff1")],
    ["blank", Buffer.from(" ")],
  ])("are refused when they are %s", (_what, bytes) => {
    expect(() => decodePayload(bytes, "email:welcome")).toThrow(PayloadNotJsonError);
  });
});

function nested(depth: number): unknown {
  let value: unknown[] = [];
  for (let i = 1; i < depth; i++) value = [value];
  return value;
}

function twice(): object {
  const shared = { n: 1 };
  return { a: shared, b: [shared, shared] };
}
