import { expect, it } from "vitest";
import {
  bucketOf,
  decodeMeasured,
  encodeMeasured,
  NOTHING_MEASURED,
  percentiles,
  sumOf,
} from "../../src/protocol/rollup.ts";

function histogramOf(lengths: readonly number[]): Record<string, number> {
  const histogram: Record<string, number> = {};
  for (const ms of lengths) histogram[bucketOf(ms)] = (histogram[bucketOf(ms)] ?? 0) + 1;
  return histogram;
}

it("knows every length from 1 ms to ten days to within 13 %, and shorter ones to within a millisecond", () => {
  for (let ms = 1; ms < 10 * 86_400_000; ms *= 1.07) {
    const [shown = 0] = percentiles(histogramOf([ms]), [0.5]) ?? [];
    if (ms < 1.3) expect(Math.abs(shown - ms)).toBeLessThan(1);
    else expect(Math.abs(shown / ms - 1), `${ms} ms`).toBeLessThan(0.13);
  }
  for (const ms of [0, 0.01, -5, Number.NaN]) expect(bucketOf(ms)).toBe(0);
  expect(bucketOf(Number.POSITIVE_INFINITY)).toBe(90);
});

it("finds percentiles of many lengths, and none of none", () => {
  const lengths = Array.from({ length: 1_000 }, (_, i) => i + 1);
  const found = percentiles(histogramOf(lengths), [0.5, 0.95, 0.99]) ?? [];
  for (const [i, exact] of [500, 950, 990].entries()) {
    expect(Math.abs((found[i] ?? 0) / exact - 1)).toBeLessThan(0.13);
  }
  // Of two, the median is the lower one; the last is the higher.
  expect(percentiles({ 10: 1, 20: 1 }, [0.5, 1])?.map(Math.round)).toEqual([11, 112]);
  expect(percentiles({}, [0.5])).toBeUndefined();
});

it("adds up", () => {
  const a = { processed: 3, failed: 1, wait: { 1: 2 }, run: { 5: 3 } };
  const b = { processed: 1, failed: 0, wait: { 1: 1, 2: 1 }, run: {} };
  expect(sumOf(a, b)).toEqual({ processed: 4, failed: 1, wait: { 1: 3, 2: 1 }, run: { 5: 3 } });
  expect(sumOf(NOTHING_MEASURED, a)).toEqual(a);
});

it("reads what it has written, and of damage what is left", () => {
  const measured = { processed: 3, failed: 1, wait: { 1: 2, 90: 1 }, run: {} };
  expect(encodeMeasured(measured)).toBe('{"p":3,"f":1,"w":{"1":2,"90":1},"r":{}}');
  expect(decodeMeasured(encodeMeasured(measured))).toEqual(measured);
  for (const text of ["nonsense", "null", "7", "[]", '{"p":-1,"f":1.5,"w":[],"r":"x"}']) {
    expect(decodeMeasured(text)).toEqual(NOTHING_MEASURED);
  }
  expect(decodeMeasured('{"p":1,"w":{"91":1,"x":1,"3":"2","4":5}}')).toEqual({
    ...NOTHING_MEASURED,
    processed: 1,
    wait: { 4: 5 },
  });
});
