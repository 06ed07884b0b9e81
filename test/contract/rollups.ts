import { expect, it } from "vitest";
import type { Rollup } from "../../src/broker/rollups.ts";
import { type Measured, MOST_TYPES, ROLLUP_LENGTH } from "../../src/protocol/rollup.ts";
import type { EngineHarness, OpenEngine } from "./harness.ts";
import { enqueued } from "./tasks.ts";

const HOUR = 3_600_000;

function measured(more: Partial<Measured> = {}): Measured {
  return { processed: 2, failed: 1, wait: { 3: 1, 17: 1 }, run: { 0: 2 }, ...more };
}

/** Where the five minutes begin that it is now. */
function present({ broker }: EngineHarness): number {
  return Math.floor(broker.now() / ROLLUP_LENGTH) * ROLLUP_LENGTH;
}

async function read(engine: EngineHarness, queue: string, from: number, to: number): Promise<Rollup[]> {
  const rollups = await engine.engine.rollups.read(queue, from, to);
  return rollups.sort((a, b) => a.at - b.at || (a.type < b.type ? -1 : 1));
}

export function rollupContract(open: OpenEngine): void {
  it("adds what several servers have measured, type by type", async () => {
    const engine = await open();
    const queue = engine.queue();
    const at = present(engine);
    expect(await read(engine, queue, at - HOUR, at + HOUR)).toEqual([]);
    await engine.engine.rollups.add(queue, at, new Map([["email", measured()]]));
    await engine.engine.rollups.add(
      queue,
      at,
      new Map([
        ["email", measured({ failed: 0, wait: { 3: 4 }, run: { 0: 1, 90: 1 } })],
        ["a:type with: more\n", measured({ wait: {}, run: {} })],
      ]),
    );
    expect(await read(engine, queue, at, at + 1)).toEqual([
      { at, type: "a:type with: more\n", measured: { processed: 2, failed: 1, wait: {}, run: {} } },
      {
        at,
        type: "email",
        measured: { processed: 4, failed: 1, wait: { 3: 5, 17: 1 }, run: { 0: 3, 90: 1 } },
      },
    ]);
  });

  it("reads what began in a span of time, of one queue", async () => {
    const engine = await open();
    const queue = engine.queue();
    const last = present(engine);
    const instants = Array.from({ length: 30 }, (_, back) => last - back * ROLLUP_LENGTH);
    for (const at of instants) await engine.engine.rollups.add(queue, at, new Map([["t", measured()]]));
    await engine.engine.rollups.add(engine.queue(), last, new Map([["other", measured()]]));

    const found = await read(engine, queue, last - 20 * ROLLUP_LENGTH, last);
    expect(found.map(({ at }) => at)).toEqual(instants.slice(1, 21).reverse());
    expect(await read(engine, queue, last + 1, last + HOUR)).toEqual([]);
  });

  it("keeps no more than fifty types of a queue apart", async () => {
    const engine = await open();
    const queue = engine.queue();
    const at = present(engine);
    const types = Array.from({ length: MOST_TYPES + 5 }, (_, i) => `t${String(i).padStart(2, "0")}`);
    const first = new Map(types.slice(0, 30).map((type) => [type, measured()]));
    await engine.engine.rollups.add(queue, at, first);
    await engine.engine.rollups.add(queue, at, new Map(types.map((type) => [type, measured()])));
    await engine.engine.rollups.add(queue, at + ROLLUP_LENGTH, new Map([["t54", measured()]]));

    const found = await read(engine, queue, at, at + 1);
    expect(found.map(({ type }) => type)).toEqual(["", ...types.slice(0, MOST_TYPES)]);
    expect(found[0]?.measured.processed).toBe(5 * 2);
    expect(found[1]?.measured.processed).toBe(2 * 2);
    expect(found.at(-1)?.measured.processed).toBe(2);
    // The next five minutes are not concerned.
    expect(await read(engine, queue, at + ROLLUP_LENGTH, at + HOUR)).toMatchObject([{ type: "t54" }]);
  });

  it("forgets after 49 hours", async () => {
    const engine = await open();
    const queue = engine.queue();
    const at = present(engine);
    await engine.engine.rollups.add(queue, at, new Map([["t", measured()]]));
    await engine.clock.advance(48 * HOUR);
    expect(await read(engine, queue, at, at + 1)).toHaveLength(1);
    await engine.clock.advance(2 * HOUR);
    await engine.engine.rollups.add(engine.queue(), present(engine), new Map([["t", measured()]]));
    expect(await read(engine, queue, at, at + 1)).toEqual([]);
  });

  it("goes with its queue", async () => {
    const engine = await open();
    const queue = engine.queue();
    const at = present(engine);
    const id = await enqueued(engine, queue);
    await engine.engine.rollups.add(queue, at, new Map([["t", measured()]]));
    await engine.inspection.changeTasks(queue, "delete", [id]);
    let step = await engine.inspection.removeQueue(queue);
    while (step.status === "more") step = await engine.inspection.removeQueue(queue, step.cursor);
    expect(step.status).toBe("removed");
    expect(await read(engine, queue, at, at + 1)).toEqual([]);
  });
}
