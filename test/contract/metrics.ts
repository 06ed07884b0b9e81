import { expect, it } from "vitest";
import { InvalidOptionError, QueueNotFoundError } from "../../src/errors.ts";
import { Inspector } from "../../src/inspector/inspector.ts";
import { ROLLUP_LENGTH } from "../../src/protocol/rollup.ts";
import type { EngineHarness, OpenEngine } from "./harness.ts";
import { enqueued } from "./tasks.ts";

const HOUR = 3_600_000;

export function metricsContract(open: OpenEngine): void {
  async function opened(): Promise<{
    engine: EngineHarness;
    inspector: Inspector;
    queue: string;
    at: number;
  }> {
    const engine = await open();
    const queue = engine.queue();
    await enqueued(engine, queue);
    const at = Math.floor(engine.broker.now() / ROLLUP_LENGTH) * ROLLUP_LENGTH;
    return { engine, inspector: new Inspector(engine.engine), queue, at };
  }

  it("tells by queue and type what servers have measured, step by step", async () => {
    const { engine, inspector, queue, at } = await opened();
    const { rollups } = engine.engine;
    const quick = { processed: 10, failed: 1, wait: { 0: 10 }, run: { 20: 9, 30: 1 } };
    await rollups.add(queue, at, new Map([["quick", quick]]));
    await rollups.add(queue, at - 2 * ROLLUP_LENGTH, new Map([["quick", quick]]));
    await rollups.add(queue, at, new Map([["busy", { processed: 30, failed: 0, wait: {}, run: { 0: 30 } }]]));

    const { from, step, series } = await inspector.metrics(queue);
    expect(step).toBe(ROLLUP_LENGTH);
    expect(from.getTime()).toBe(Math.floor((engine.broker.now() - HOUR) / step) * step);
    expect(series.map(({ type, totals }) => [type, totals])).toEqual([
      [
        undefined,
        {
          processed: 50,
          failed: 2,
          wait: { p50: 1, p95: 1, p99: 1 },
          run: { p50: 1, p95: 112, p99: 1_120 },
        },
      ],
      ["busy", { processed: 30, failed: 0, wait: undefined, run: { p50: 1, p95: 1, p99: 1 } }],
      [
        "quick",
        {
          processed: 20,
          failed: 2,
          wait: { p50: 1, p95: 1, p99: 1 },
          run: { p50: 112, p95: 1_120, p99: 1_120 },
        },
      ],
    ]);
    const last = (at - from.getTime()) / step;
    const points = series[2]?.points ?? [];
    expect(points.length).toBe(last + 1);
    expect([points.at(-1)?.processed, points.at(-2), points.at(-3)?.processed]).toEqual([10, undefined, 10]);
    // Of nobody, and of all.
    expect((await inspector.metrics()).series.map((each) => each.queue)).toEqual([queue, queue, queue]);
    const earlier = { from: new Date(at - 12 * HOUR), to: new Date(at - 11 * HOUR) };
    expect((await inspector.metrics(queue, earlier)).series).toEqual([]);
  });

  it("takes longer steps for more than six hours, and looks back for a day", async () => {
    const { engine, inspector, queue, at } = await opened();
    const measured = { processed: 1, failed: 0, wait: {}, run: {} };
    for (const back of [0, 1, 2, 3, 260]) {
      await engine.engine.rollups.add(queue, at - back * ROLLUP_LENGTH, new Map([["t", measured]]));
    }
    const { from, step, series } = await inspector.metrics(queue, { from: new Date(at - 24 * HOUR) });
    expect(step).toBe(3 * ROLLUP_LENGTH);
    expect(series[0]?.totals).toEqual({ processed: 5, failed: 0, wait: undefined, run: undefined });
    const expected = new Map<number, number>();
    for (const back of [0, 1, 2, 3, 260]) {
      const place = Math.floor((at - back * ROLLUP_LENGTH - from.getTime()) / step);
      expected.set(place, (expected.get(place) ?? 0) + 1);
    }
    const found = (series[0]?.points ?? []).flatMap((point, i) =>
      point ? [[i, point.processed] as const] : [],
    );
    expect(new Map(found)).toEqual(expected);
    // What was forgotten is not asked for.
    const year = await inspector.metrics(queue, { from: new Date(at - 365 * 24 * HOUR) });
    expect(year.from.getTime()).toBeGreaterThan(at - 50 * HOUR);
  });

  it("refuses what it cannot answer", async () => {
    const { inspector, queue, at } = await opened();
    await expect(inspector.metrics("none")).rejects.toThrow(QueueNotFoundError);
    for (const options of [
      { from: new Date(at), to: new Date(at) },
      { from: new Date(Number.NaN) },
      { form: new Date(at) },
    ]) {
      await expect(inspector.metrics(queue, options)).rejects.toThrow(InvalidOptionError);
    }
  });
}
