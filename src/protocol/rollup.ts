/** What has ended in five minutes, of one type of a queue, as several servers have measured it: `docs/protocol.md` 18.13. */

/** Milliseconds of one rollup. They begin at multiples of it since the epoch. */
export const ROLLUP_LENGTH = 300_000;
/** How long rollups are kept: two days, one to compare with the other, and what an hour has begun before. Milliseconds. */
export const ROLLUP_TTL = 49 * 3_600_000;
/** Types of a queue that are counted by themselves in one rollup; what comes then counts under {@link OTHER_TYPES}. */
export const MOST_TYPES = 50;
/** No type of a task is empty. */
export const OTHER_TYPES = "";

/** How many lengths fell into each bucket. */
export type Histogram = Readonly<Record<string, number>>;

export interface Measured {
  /** Attempts that ended, failures included. */
  readonly processed: number;
  readonly failed: number;
  /** From pending to start. */
  readonly wait: Histogram;
  /** From start to end. */
  readonly run: Histogram;
}

export const NOTHING_MEASURED: Measured = { processed: 0, failed: 0, wait: {}, run: {} };

/** Ten buckets for every power of ten: a length is known to within 12.3 %, one below 1.26 ms to within a millisecond. */
const BUCKETS_A_DECADE = 10;
/** The last one takes all from 11 days on. */
export const LAST_BUCKET = 90;

export function bucketOf(ms: number): number {
  if (!(ms >= 1)) return 0;
  return Math.min(LAST_BUCKET, Math.floor(Math.log10(ms) * BUCKETS_A_DECADE));
}

/** The middle of a bucket, in milliseconds. */
function lengthIn(bucket: number): number {
  return bucket === 0 ? 1 : 10 ** ((bucket + 0.5) / BUCKETS_A_DECADE);
}

/** The lengths, in milliseconds, that these parts of all (0 to 1) do not exceed; `undefined`: there are none. */
export function percentiles(histogram: Histogram, parts: readonly number[]): number[] | undefined {
  const buckets = Object.entries(histogram)
    .map(([bucket, count]) => [Number(bucket), count] as const)
    .sort(([a], [b]) => a - b);
  const total = buckets.reduce((sum, [, count]) => sum + count, 0);
  if (total === 0) return undefined;
  return parts.map((part) => {
    let below = 0;
    const found = buckets.find(([, count]) => {
      below += count;
      return below >= part * total;
    });
    return lengthIn(found?.[0] ?? LAST_BUCKET);
  });
}

export function sumOf(a: Measured, b: Measured): Measured {
  return {
    processed: a.processed + b.processed,
    failed: a.failed + b.failed,
    wait: sumOfHistograms(a.wait, b.wait),
    run: sumOfHistograms(a.run, b.run),
  };
}

function sumOfHistograms(a: Histogram, b: Histogram): Histogram {
  const sum: Record<string, number> = { ...a };
  for (const [bucket, count] of Object.entries(b)) sum[bucket] = (sum[bucket] ?? 0) + count;
  return sum;
}

export function encodeMeasured({ processed, failed, wait, run }: Measured): string {
  return JSON.stringify({ p: processed, f: failed, w: wait, r: run });
}

/** What is stored; of what is damaged, the rest. */
export function decodeMeasured(text: string): Measured {
  let stored: unknown;
  try {
    stored = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return NOTHING_MEASURED;
    throw error;
  }
  if (typeof stored !== "object" || stored === null) return NOTHING_MEASURED;
  const { p, f, w, r } = stored as Record<string, unknown>;
  return { processed: countOf(p), failed: countOf(f), wait: histogramOf(w), run: histogramOf(r) };
}

function countOf(value: unknown): number {
  return Number.isSafeInteger(value) && (value as number) > 0 ? (value as number) : 0;
}

function histogramOf(value: unknown): Histogram {
  if (typeof value !== "object" || value === null) return {};
  const buckets = Object.entries(value).filter(
    ([bucket, count]) => /^\d\d?$/.test(bucket) && Number(bucket) <= LAST_BUCKET && countOf(count) > 0,
  );
  return Object.fromEntries(buckets) as Histogram;
}
