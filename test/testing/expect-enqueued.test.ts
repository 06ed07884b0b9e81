import { AssertionError } from "node:assert";
import { readFileSync } from "node:fs";
import { beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTask } from "../../src/define-task.ts";
import { InvalidOptionError } from "../../src/errors.ts";
import { Task } from "../../src/task.ts";
import { type TestQueue, testQueue } from "../../src/testing/test-queue.ts";
import { NEW_YEAR, quiet, recordingMux, report, tick, welcome } from "./subjects.ts";

let q: TestQueue;
beforeEach(() => {
  q = testQueue({ now: NEW_YEAR });
});

/** The failure of an assertion, as its reader sees it. */
function failureOf(assertion: () => unknown): string {
  try {
    assertion();
  } catch (error) {
    if (!(error instanceof AssertionError)) throw error;
    return error.message;
  }
  throw new Error("the assertion held");
}

describe("expectEnqueued", () => {
  it("answers the task that matches by a part of its payload", async () => {
    await q.client.enqueue(welcome({ userId: 1 }));
    const second = await q.client.enqueue(welcome({ userId: 2, to: { name: "Ada", city: "London" } }));
    expect(q.expectEnqueued(welcome, { to: { city: "London" } }).id).toBe(second.id);
    expect(q.expectEnqueued("email:welcome", { userId: 2 }).payload).toEqual({
      userId: 2,
      to: { name: "Ada", city: "London" },
    });
    q.expectEnqueued(welcome);
  });

  it("shows what is enqueued instead, and in what it differs", async () => {
    await q.client.enqueue(report({ day: "2030-01-31" }), { queue: "low" });
    await q.client.enqueue(welcome({ userId: 43 }), { processIn: "90m" });
    expect(failureOf(() => q.expectEnqueued(welcome, { userId: 42 }, { at: "10m", queue: "default" }))).toBe(
      [
        "email:welcome with { userId: 42 } in queue default due in 10m (2030-01-01T00:10:00.000Z) is not enqueued",
        "Enqueued are 2:",
        "  email:welcome { userId: 43 }",
        "    scheduled in critical, due in 1h30m (2030-01-01T01:30:00.000Z)",
        "    ≠ queue: expected default, got critical",
        "    ≠ due: expected in 10m (2030-01-01T00:10:00.000Z), got in 1h30m (2030-01-01T01:30:00.000Z)",
        "    ≠ payload.userId: expected 42, got 43",
        "  report:daily { day: '2030-01-31' }",
        "    pending in low",
      ].join("\n"),
    );
  });

  it("fails as the guide shows", async () => {
    const guide = readFileSync(new URL("../../docs/guides/testing.md", import.meta.url), "utf8");
    const [, shown] = /```text\n(.*?)\n```/s.exec(guide) ?? [];
    await q.client.enqueue(new Task("email:welcome", { to: "ada@example.com" }), {
      queue: "mail",
      processIn: "10m",
    });
    const failing = () => q.expectEnqueued("email:welcome", { to: "bob@example.com" }, { at: "5m" });
    expect(failureOf(failing)).toBe(shown);
  });

  it("says that nothing is enqueued, and what has run already", async () => {
    const { mux, failing } = recordingMux();
    q = testQueue({ mux, server: { logger: quiet } });
    expect(failureOf(() => q.expectEnqueued(tick))).toBe("tick is not enqueued\nNothing is enqueued.");
    await q.client.enqueue(tick());
    failing.times = 1;
    await q.client.enqueue(welcome({ userId: 1 }));
    await q.drain();
    expect(failureOf(() => q.expectEnqueued(tick))).toMatch(/\nRun already:\n {2}tick, attempt 1: success$/);
    expect(failureOf(() => q.expectEnqueued(welcome, { userId: 2 }))).toMatch(
      /\n {4}retry in critical, due in \d+s \(.*\), after: no mail today\n/,
    );
  });

  it("cuts long lists and long values short", async () => {
    const long = "x".repeat(1_000);
    await q.client.enqueueBatch(Array.from({ length: 13 }, () => new Task("note", { long })));
    const text = failureOf(() => q.expectEnqueued(tick));
    expect(text).toMatch(/… and 3 more$/);
    expect(text.match(/pending in default/g)).toHaveLength(10);
    expect(text.length).toBeLessThan(10 * 400);
  });

  it("counts, when asked to", async () => {
    await q.client.enqueueBatch([tick(), tick(), tick()]);
    q.expectEnqueued(tick, undefined, { count: 3 });
    expect(failureOf(() => q.expectEnqueued(tick, undefined, { count: 2 }))).toMatch(
      /^expected 2 of tick to be enqueued, found 3\nEnqueued are 3:/,
    );
    expect(() => q.expectEnqueued(tick, undefined, { count: 0 })).toThrow(
      /count: .*use refuteEnqueued; got 0/,
    );
  });

  it("knows tasks by when they are due", async () => {
    await q.client.enqueue(tick(), { processIn: "10m" });
    q.expectEnqueued(tick, undefined, { at: "10m" });
    q.expectEnqueued(tick, undefined, { at: new Date("2030-01-01T00:10:00Z") });
    q.expectEnqueued(tick, undefined, { at: "2030-01-01T00:10:00Z" });
    q.expectEnqueued(tick, undefined, { at: "9m", within: "1m" });
    q.expectEnqueued(tick, undefined, { within: "10m" });
    for (const filter of [
      { at: 599_999 },
      { at: "8m", within: "1m" },
      { at: "11m" },
      { within: "9m59s" },
      { at: 0 },
    ]) {
      expect(failureOf(() => q.expectEnqueued(tick, undefined, filter))).toMatch(/≠ due: expected /);
    }
    await q.client.enqueue(tick());
    q.expectEnqueued(tick, undefined, { at: 0 });
    await q.advance("4m");
    q.expectEnqueued(tick, undefined, { at: "6m" });
  });

  it("takes a payload as it was enqueued, or as its handler gets it", async () => {
    await q.client.enqueue(report({ day: "2030-01-31" }));
    q.expectEnqueued(report, { day: "2030-01-31" });
    q.expectEnqueued(report, { day: new Date("2030-01-31") });
    q.expectEnqueued(report, { pages: [] });
    expect(failureOf(() => q.expectEnqueued(report, { pages: [1] }))).toMatch(/payload\.pages: expected/);
  });

  it("reads payloads of a codec, and bytes as they are", async () => {
    const big = defineTask("big", {
      codec: {
        encode: (value: { n: bigint }) => Buffer.from(value.n.toString(16)),
        decode: (bytes) => ({ n: BigInt(`0x${Buffer.from(bytes)}`) }),
      },
    });
    await q.client.enqueue(big({ n: 2n ** 64n - 1n }));
    q.expectEnqueued(big, { n: 2n ** 64n - 1n });
    q.expectEnqueued("big", Buffer.from("f".repeat(16)));
    expect(failureOf(() => q.expectEnqueued(big, { n: 1n }))).toMatch(
      /payload\.n: expected 1n, got 18446744073709551615n/,
    );
    expect(failureOf(() => q.expectEnqueued(tick))).toMatch(/ {2}big \(16 bytes\)\n/);
  });

  it("takes what a schema says later for what it says now: nothing", async () => {
    const slow = defineTask("slow", { payload: z.number().refine(async (n) => n > 1) });
    await q.client.enqueue(new Task("slow", 0));
    q.expectEnqueued(slow, 0);
    expect(failureOf(() => q.expectEnqueued(slow, 1))).toMatch(/payload: expected 1, got 0/);
    await q.advance(0); // a rejection that nobody handles would show
  });

  it("asks matchers of the test library", async () => {
    await q.client.enqueue(welcome({ userId: 7, to: { name: "Ada", city: "London" } }));
    q.expectEnqueued(welcome, { userId: expect.any(Number), to: { name: expect.stringContaining("d") } });
    expect(failureOf(() => q.expectEnqueued(welcome, { userId: expect.any(String) }))).toMatch(
      /^email:welcome with \{ userId: Any<String> \} is .*payload\.userId: expected Any<String>, got 7$/s,
    );
  });

  it("is an AssertionError with counts, for runners that print them", async () => {
    await q.client.enqueue(tick());
    const counts = (assertion: () => unknown) => {
      try {
        assertion();
      } catch (error) {
        const { code, expected, actual } = error as AssertionError;
        return { code, expected, actual };
      }
      throw new Error("the assertion held");
    };
    const code = "ERR_ASSERTION";
    expect(counts(() => q.expectEnqueued(welcome))).toEqual({ code, expected: "at least 1", actual: 0 });
    expect(counts(() => q.expectEnqueued(tick, undefined, { count: 2 }))).toEqual({
      code,
      expected: 2,
      actual: 1,
    });
    expect(counts(() => q.refuteEnqueued(tick))).toEqual({ code, expected: 0, actual: 1 });
  });

  it("points to the line of the test", async () => {
    const error = (() => {
      try {
        return q.expectEnqueued(tick);
      } catch (thrown) {
        return thrown as Error;
      }
    })();
    expect((error as Error).stack?.split("\n").find((line) => line.startsWith("    at "))).toMatch(
      /expect-enqueued\.test\.ts/,
    );
  });

  it("mentions a call that has not settled", async () => {
    const call = q.client.enqueue(tick());
    expect(failureOf(() => q.expectEnqueued(tick))).toMatch(
      /A call to enqueue is still under way: wait for it first\.$/,
    );
    await call;
    q.expectEnqueued(tick);
  });

  it("refuses what it does not know", () => {
    expect(() => q.expectEnqueued(tick, undefined, { queu: "x" } as never)).toThrow(/did you mean "queue"/);
    expect(() => q.expectEnqueued(tick, undefined, { at: "soon" })).toThrow(InvalidOptionError);
    expect(() => q.expectEnqueued(tick, undefined, { within: "-1s" })).toThrow(InvalidOptionError);
    expect(() => q.expectEnqueued({} as never)).toThrow(/task: expected text/);
  });
});

describe("refuteEnqueued", () => {
  it("holds while there is no such task, and shows those that there are", async () => {
    q.refuteEnqueued(welcome);
    await q.client.enqueue(welcome({ userId: 1 }), { processIn: "10m" });
    q.refuteEnqueued(welcome, { userId: 2 });
    q.refuteEnqueued(welcome, { userId: 1 }, { within: "9m" });
    q.refuteEnqueued(tick);
    expect(failureOf(() => q.refuteEnqueued(welcome, { userId: 1 }))).toBe(
      [
        "email:welcome with { userId: 1 } is enqueued, and should not be",
        "  email:welcome { userId: 1 }",
        "    scheduled in critical, due in 10m (2030-01-01T00:10:00.000Z)",
      ].join("\n"),
    );
  });

  it("does not hold while a call to enqueue may still change it", async () => {
    const calls = [q.client.enqueue(tick()), q.client.enqueueBatch([tick()])];
    expect(failureOf(() => q.refuteEnqueued(welcome))).toBe(
      "nobody can say yet whether email:welcome is enqueued\n2 calls to enqueue are still under way: wait for them first.",
    );
    await Promise.all(calls);
    q.refuteEnqueued(welcome);
  });
});

describe("enqueued", () => {
  it("lists what is still to be run, in whatever state", async () => {
    const { mux, failing } = recordingMux();
    q = testQueue({ mux, server: { logger: quiet } });
    failing.times = 1;
    await q.client.enqueue(welcome({ userId: 1 }), { queue: "default" });
    await q.client.enqueue(tick(), { queue: "default", retention: "1h" }); // is completed, and kept
    await q.client.enqueue(new Task("email:welcome", "wrong")); // is archived
    await q.drain();
    await q.client.enqueue(tick());
    await q.client.enqueue(tick(), { processIn: "1h" });
    await q.client.enqueue(tick(), { group: "g" });
    expect(q.enqueued().map(({ type, state }) => [type, state])).toEqual([
      ["email:welcome", "retry"],
      ["tick", "pending"],
      ["tick", "scheduled"],
      ["tick", "aggregating"],
    ]);
    expect(q.enqueued(tick)).toHaveLength(3);
    expect(q.enqueued(tick, undefined, { within: "1m" })).toHaveLength(1);
    expect(q.enqueued(welcome, { userId: 1 })).toHaveLength(1);
    expect(q.enqueued("tock")).toEqual([]);
  });
});
