/** What the shop of `make demo-ui` would have left behind, had it been at work for 90 days: for pictures, in which a chart has a past. */
import type { Redis } from "ioredis";
import type { Engine } from "../src/broker/engine.ts";
import { failedKey, processedKey, queueKeys } from "../src/protocol/keys.ts";
import { bucketOf, type Measured, ROLLUP_LENGTH, ROLLUP_TTL } from "../src/protocol/rollup.ts";

const DAY = 86_400_000;
const DAYS = 90;

interface Habit {
  readonly queue: string;
  readonly type: string;
  /** Attempts in five minutes, at noon of a working day. */
  readonly attempts: number;
  /** 0 to 1. */
  readonly failing: number;
  /** Milliseconds, in the middle. */
  readonly wait: number;
  readonly run: number;
}

const HABITS: readonly Habit[] = [
  { queue: "critical", type: "payment:charge", attempts: 620, failing: 0.012, wait: 9, run: 85 },
  { queue: "default", type: "email:receipt", attempts: 600, failing: 0.004, wait: 24, run: 22 },
  { queue: "default", type: "order:ship", attempts: 590, failing: 0.006, wait: 32, run: 480 },
  { queue: "low", type: "image:thumbnail", attempts: 180, failing: 0.018, wait: 410, run: 850 },
  { queue: "low", type: "page:views", attempts: 150, failing: 0, wait: 95, run: 3 },
];

/** The same at every call. */
function noise(): () => number {
  let state = 42;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}

/** How much of its noon the shop has at an instant: little by night, less on a weekend, and more each week. */
function crowdAt(at: number, now: number): number {
  const hour = (at % DAY) / 3_600_000;
  const byDay = 0.35 + 0.65 * Math.max(0, Math.sin(((hour - 5) / 18) * Math.PI));
  const weekend = [0, 6].includes(new Date(at).getUTCDay()) ? 0.6 : 1;
  return byDay * weekend * (1 - ((now - at) / (DAYS * DAY)) * 0.4);
}

function measuredOf({ attempts, failing, wait, run }: Habit, crowd: number, chance: () => number): Measured {
  const processed = Math.round(attempts * crowd * (0.85 + chance() * 0.3));
  const lengths = (middle: number) => {
    const histogram: Record<string, number> = {};
    for (let n = 0; n < processed; n += 1) {
      // Three chances together are about a bell; lengths are so by their logarithm.
      const bell = chance() + chance() + chance() - 1.5;
      const bucket = bucketOf(middle * (0.6 + 0.8 * crowd) * Math.exp(bell * 1.3));
      histogram[bucket] = (histogram[bucket] ?? 0) + 1;
    }
    return histogram;
  };
  const failed = Math.round(processed * failing * 2 * chance());
  return { processed, failed, wait: lengths(wait), run: lengths(run) };
}

/** @param redis - the same as the engine's */
export async function writePast({ rollups }: Pick<Engine, "rollups">, redis: Redis, now: number) {
  const chance = noise();
  for (let at = now - ROLLUP_TTL; at <= now - ROLLUP_LENGTH; at += ROLLUP_LENGTH) {
    const begins = Math.floor(at / ROLLUP_LENGTH) * ROLLUP_LENGTH;
    for (const habit of HABITS) {
      const measured = measuredOf(habit, crowdAt(begins, now), chance);
      await rollups.add(habit.queue, begins, new Map([[habit.type, measured]]));
    }
  }
  const pipeline = redis.pipeline();
  for (let days = 0; days < DAYS; days += 1) {
    const noon = Math.floor(now / DAY) * DAY - days * DAY + DAY / 2;
    const passed = days === 0 ? (now % DAY) / DAY : 1;
    for (const { queue, attempts, failing } of HABITS) {
      const count = Math.round(attempts * 190 * crowdAt(noon, now) * passed * (0.9 + chance() * 0.2));
      const failed = Math.round(count * failing * (0.5 + chance()));
      pipeline.incrby(processedKey(queue, noon), count).incrby(failedKey(queue, noon), failed);
      pipeline.incrby(queueKeys(queue).processed, count).incrby(queueKeys(queue).failed, failed);
    }
  }
  await pipeline.exec();
}
