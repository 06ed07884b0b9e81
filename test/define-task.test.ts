import { type } from "arktype";
import * as v from "valibot";
import { describe, expect, expectTypeOf, it } from "vitest";
import { z } from "zod";
import {
  defineTask,
  type InputOf,
  isTaskDefinition,
  type PayloadOf,
  type ResultOf,
} from "../src/define-task.ts";
import { InvalidOptionError, InvalidPayloadError, PayloadNotJsonError } from "../src/errors.ts";
import { Task } from "../src/task.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

describe("a definition with a schema", () => {
  const schemas = {
    zod: z.object({ userId: z.number(), address: z.object({ tags: z.array(z.string()) }).optional() }),
    valibot: v.object({
      userId: v.number(),
      address: v.optional(v.object({ tags: v.array(v.string()) })),
    }),
    arktype: type({ userId: "number", "address?": { tags: "string[]" } }),
  };

  for (const [library, schema] of Object.entries(schemas)) {
    it(`validates with ${library} and says where the value is wrong`, async () => {
      const task = defineTask("email:welcome", { payload: schema });
      expect(await task.decode(bytes('{"userId":42}'))).toEqual({ userId: 42 });
      const failure = await failureOf(() => task.decode(bytes('{"userId":1,"address":{"tags":["a",2]}}')));
      expect(failure).toBeInstanceOf(InvalidPayloadError);
      expect((failure as InvalidPayloadError).issues.map(({ path }) => path)).toEqual(["address.tags[1]"]);
    });
  }

  it("hands the schema's output to the handler and keeps the producer's input in the store", async () => {
    const task = defineTask("report", {
      payload: z.object({ day: z.coerce.date(), limit: z.number().default(10) }),
    });
    const stored = task.encode({ day: "2030-01-31" });
    expect(Buffer.from(stored ?? []).toString()).toBe('{"day":"2030-01-31"}');
    expect(await task.decode(stored)).toEqual({ day: new Date("2030-01-31"), limit: 10 });
  });

  it("lets a schema validate asynchronously", async () => {
    const task = defineTask("a", { payload: z.string().refine(async (text) => text !== "bad", "is bad") });
    await expect(task.decode(bytes('"good"'))).resolves.toBe("good");
    await expect(task.decode(bytes('"bad"'))).rejects.toThrow('payload of "a" is invalid: is bad');
    await expect(task.check("bad", bytes('"bad"'))).rejects.toBeInstanceOf(InvalidPayloadError);
  });

  it("tells a producer that its schema does not survive JSON", async () => {
    const task = defineTask("a", { payload: z.object({ at: z.date() }) });
    const input = { at: new Date() };
    const failure = await failureOf(() => task.check(input, task.encode(input)));
    expect((failure as Error).message).toMatch(
      /^payload of "a" is invalid: at: .* \(the schema accepts the value, but/,
    );
    const wrong = { at: "today" } as unknown as { at: Date };
    const plain = await failureOf(() => task.check(wrong, task.encode(wrong)));
    expect((plain as Error).message).not.toContain("the schema accepts");
  });

  it("refuses bytes that are not JSON", () => {
    const task = defineTask("a", { payload: z.unknown() });
    expect(() => task.decode(bytes("{"))).toThrow(PayloadNotJsonError);
    expect(() => task.decode(Uint8Array.of(0x22, 0xff, 0x22))).toThrow(PayloadNotJsonError);
  });
});

describe("a definition with a codec", () => {
  const task = defineTask("big", {
    codec: {
      encode: (value: bigint) => bytes(value.toString()),
      decode: (stored) => BigInt(new TextDecoder().decode(stored)),
    },
  });

  it("stores and reads what JSON cannot hold", () => {
    expectTypeOf(task(1n)).toEqualTypeOf<Task<bigint, unknown>>();
    expect(task.decode(task(2n ** 70n).bytes)).toBe(2n ** 70n);
  });

  it("hands an empty array to the codec for a task without bytes", () => {
    expect(task.decode(undefined)).toBe(0n);
  });

  it("refuses what the codec cannot write, and says why", () => {
    const cause = new RangeError("too big");
    const failing = defineTask("failing", {
      codec: {
        encode: (_: number) => {
          throw cause;
        },
        decode: () => 0,
      },
    });
    expect(() => failing(1).bytes).toThrow(
      expect.objectContaining({
        code: "PAYLOAD_NOT_SERIALIZABLE",
        cause,
        message: expect.stringContaining("codec.encode: too big"),
      }),
    );
  });

  it("calls bytes that the codec cannot read an invalid payload", () => {
    expect(() => task.decode(bytes("x"))).toThrow(InvalidPayloadError);
  });

  it("excludes a schema", () => {
    const both = { payload: z.string(), codec: { encode: () => bytes(""), decode: () => "" } };
    // @ts-expect-error one or the other
    expect(() => defineTask("both", both)).toThrow("codec: takes the place of payload");
  });
});

describe("a definition", () => {
  it("without a schema takes no argument, and does not look at what others put in the payload", () => {
    const task = defineTask("reindex");
    expect(task().bytes).toBeUndefined();
    expect(task.decode(Uint8Array.of(0xff))).toBeUndefined();
    // @ts-expect-error there is no payload
    task({ userId: 1 });
  });

  it("gives producer and handler their types", () => {
    const task = defineTask("typed", {
      payload: z.object({ at: z.coerce.date(), n: z.string().transform(Number) }),
      result: z.object({ ok: z.boolean() }),
    });
    expectTypeOf<InputOf<typeof task>>().toEqualTypeOf<{ at: unknown; n: string }>();
    expectTypeOf<PayloadOf<typeof task>>().toEqualTypeOf<{ at: Date; n: number }>();
    expectTypeOf<ResultOf<typeof task>>().toEqualTypeOf<{ ok: boolean }>();
    // @ts-expect-error a wrong payload is a compile error
    task({ at: "2030-01-01", n: 1 });
    // @ts-expect-error a missing payload is a compile error
    task();
  });

  it("takes its argument as optional where the schema does", () => {
    const task = defineTask("maybe", { payload: z.string().optional() });
    expect(task().bytes).toBeUndefined();
    expect(task("x").payload).toBe("x");
  });

  it("checks its type, its options and its parts when it is made", () => {
    expect(() => defineTask(" ")).toThrow("type: must not be blank");
    expect(() => defineTask("a", { options: { timeout: 30 } })).toThrow('30 is 30 ms; write "30s"');
    // @ts-expect-error no such part
    expect(() => defineTask("a", { optoins: {} })).toThrow('did you mean "options"');
    // @ts-expect-error not a schema
    expect(() => defineTask("a", { payload: { userId: "number" } })).toThrow(InvalidOptionError);
  });

  it("is known as one, and builds tasks", () => {
    const task = defineTask("a", { payload: z.number() });
    expect(isTaskDefinition(task)).toBe(true);
    expect(isTaskDefinition(() => undefined)).toBe(false);
    expect(task(1)).toBeInstanceOf(Task);
    expect(task(1).payload).toBe(1);
    expect(task.type).toBe("a");
  });

  it("computes a unique key from an input whose type it knows", () => {
    defineTask("a", {
      payload: z.object({ userId: z.number() }),
      options: { unique: { for: "1h", key: (input) => `user-${input.userId.toFixed()}` } },
    });
  });
});

async function failureOf(run: () => unknown): Promise<unknown> {
  try {
    await run();
  } catch (error) {
    return error;
  }
  throw new Error("expected a failure");
}
