import { Cron } from "croner";
import type { CronField } from "./cron-fields.ts";
import type { Schedule } from "./schedule.ts";
import type { TimeZone } from "./time-zone.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Between these two, after UTC, lie all clocks of the world. */
const FARTHEST_AHEAD = 15 * HOUR;
const FARTHEST_BEHIND = 13 * HOUR;
/** Clocks are never turned back by more, in the years that an entry may see. */
const FARTHEST_BACK = 3 * HOUR;

const LONGEST_MONTHS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** The five fields, in their order. */
export type CronFields = readonly [
  minute: CronField,
  hour: CronField,
  day: CronField,
  month: CronField,
  weekday: CronField,
];

/**
 * When the clocks of a place show what five fields say.
 *
 * Croner finds the next time that fits, on a clock that is never changed; this says what becomes of it where clocks are:
 * - Turned forward, a time that is left out counts as the first minute after the gap, once. Not so where every hour is
 *   named, since the hour after it has its own; nor where a whole day is left out.
 * - Turned back, a time that comes twice counts once; twice where minute or hour are wildcards, which mean "so often".
 */
export function cronSchedule(fields: CronFields, zone: TimeZone): Schedule {
  const [minute, hour, day, month, weekday] = fields;
  if (isImpossible(day, month, weekday)) return { next: () => undefined };
  const cron = new Cron(fields.map(listOf).join(" "), { mode: "5-part", timezone: "UTC" });
  const everyHour = hour.values.length === 24;
  const wild = minute.isWild || hour.isWild;

  /** The next time on an unchanged clock, "as if UTC". */
  const nextWall = (wall: number) => cron.nextRun(new Date(wall))?.getTime();

  /** When the clocks show that time, in order: once, twice, or when it counts although they never do. */
  function instantsOf(wall: number): readonly number[] {
    const before = zone.offsetAt(wall - FARTHEST_AHEAD);
    const after = zone.offsetAt(wall + FARTHEST_BEHIND);
    if (before === after) return [wall - before];
    const shown = [wall - before, wall - after].filter((at) => at + zone.offsetAt(at) === wall);
    if (shown.length > 0) return wild ? shown : shown.slice(0, 1);
    if (everyHour || after - before >= DAY) return [];
    return [firstMinuteAfterGap(wall - FARTHEST_AHEAD, wall + FARTHEST_BEHIND)];
  }

  /** Between two instants, of which the first is before a change of clocks and the second after it. */
  function firstMinuteAfterGap(from: number, to: number): number {
    const before = zone.offsetAt(from);
    let [low, high] = [Math.floor(from / 1_000), Math.ceil(to / 1_000)];
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (zone.offsetAt(middle * 1_000) === before) low = middle;
      else high = middle;
    }
    const offset = zone.offsetAt(high * 1_000);
    return Math.ceil((high * 1_000 + offset) / MINUTE) * MINUTE - offset;
  }

  function next(after: number): number | undefined {
    const offset = zone.offsetAt(after);
    const wall = after + offset;
    // Of times that have passed, those count that are about to come a second time.
    const back = wild ? offset - zone.offsetAt(after + FARTHEST_BACK) : 0;
    let best: number | undefined;
    for (let at = nextWall(wall - Math.max(0, back)); at !== undefined; at = nextWall(at)) {
      for (const instant of instantsOf(at)) {
        if (instant > after && (best === undefined || instant < best)) best = instant;
      }
      // A later time never comes before one that has yet to come for the first time.
      if (best !== undefined && at > wall) break;
    }
    return best;
  }

  return { next };
}

/** Days such as the 30th of February: croner would look for them for thousands of years. */
function isImpossible(day: CronField, month: CronField, weekday: CronField): boolean {
  if (day.isStar || !weekday.isStar) return false;
  const first = day.values[0] ?? 1;
  return month.values.every((each) => first > (LONGEST_MONTHS[each - 1] ?? 31));
}

/** Never the user's own text: croner's grammar is another one. */
function listOf({ isStar, values }: CronField): string {
  return isStar ? "*" : values.join(",");
}
