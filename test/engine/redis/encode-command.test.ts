import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeCommand } from "../../../src/engine/redis/encode-command.ts";
import type { RedisArg } from "../../../src/engine/redis/redis-commands.ts";

/** The protocol's grammar, as plainly as it can be written. */
function plain(args: readonly RedisArg[]): Buffer {
  const parts = [Buffer.from(`*${args.length}\r\n`)];
  for (const arg of args) {
    const bytes = typeof arg === "object" ? Buffer.from(arg) : Buffer.from(String(arg));
    parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from("\r\n"));
  }
  return Buffer.concat(parts);
}

describe("encodeCommand", () => {
  it("writes texts, numbers and bytes of any kind as bulk strings", () => {
    const arg = fc.oneof(
      fc.string({ unit: "binary", maxLength: 60 }),
      fc.string({ unit: "grapheme", maxLength: 60 }),
      fc.double({ noNaN: true }),
      fc.integer(),
      fc.uint8Array({ maxLength: 200 }),
    );
    fc.assert(
      fc.property(fc.array(arg, { maxLength: 30 }), fc.array(arg, { maxLength: 150 }), (some, more) => {
        expect(encodeCommand("EVALSHA", some, more)).toEqual(plain(["EVALSHA", ...some, ...more]));
      }),
    );
  });

  it("counts bytes, not characters, at every number of digits", () => {
    for (const length of [0, 9, 10, 24, 25, 99, 100, 999, 1_000, 9_999, 10_000]) {
      const args = ["x".repeat(length), "é".repeat(length), new Uint8Array(length)];
      expect(encodeCommand("SET", args)).toEqual(plain(["SET", ...args]));
    }
  });
});
