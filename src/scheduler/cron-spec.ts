import { CronSpecInvalidError } from "../errors.ts";
import { parseGoDuration } from "../protocol/go-text.ts";
import { suggestion } from "../suggestion.ts";
import { FIELDS, parseCronField } from "./cron-fields.ts";
import { type CronFields, cronSchedule } from "./cron-schedule.ts";
import type { Schedule } from "./schedule.ts";
import { type TimeZone, timeZone } from "./time-zone.ts";

/** A spec after its check. */
export interface CronSpec {
  /** As entries hold it: with its time zone as `CRON_TZ=`, unless that is UTC. */
  readonly text: string;
  readonly schedule: Schedule;
  readonly meaning: CronMeaning;
}

/** What a spec says, for those who put it into words. */
export type CronMeaning =
  /** Milliseconds. */
  { readonly every: number } | { readonly fields: CronFields; readonly zone: TimeZone };

/** Nobody writes a longer one; a list of all minutes has 169 characters. */
const LONGEST = 1_024;

const DESCRIPTORS: Readonly<Record<string, string>> = {
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@hourly": "0 * * * *",
};

const ZONE_PREFIX = /^(?:CRON_TZ|TZ)=/;
const EVERY = "@every ";

/**
 * Reads a spec as the standard parser of Go's robfig/cron does: `minute hour day-of-month month day-of-week`, or a word
 * such as `@daily`, or `@every 1h30m`; before either, `CRON_TZ=Europe/Berlin ` or `TZ=`.
 *
 * @param zoneName - the time zone of a spec that names none itself
 * @throws {@link CronSpecInvalidError} it cannot be understood; it says where, and what may have been meant.
 */
export function parseCronSpec(spec: unknown, zoneName = "UTC"): CronSpec {
  if (typeof spec !== "string") throw new CronSpecInvalidError("", 0, "expected text");
  if (spec.length > LONGEST) {
    throw new CronSpecInvalidError(
      spec.slice(0, 32),
      LONGEST,
      `is ${spec.length} characters long, the limit is ${LONGEST}`,
    );
  }
  const { zone, at, text } = readZone(spec, zoneName);
  if (text.startsWith(EVERY)) {
    const every = everyOf(spec, at + EVERY.length, text.slice(EVERY.length));
    return { text: spec.trim(), schedule: everySchedule(every), meaning: { every } };
  }
  const fields = fieldsOf(spec, text, at);
  const schedule = cronSchedule(fields, zone);
  const named = ZONE_PREFIX.test(spec) || zone.name === "UTC";
  return {
    text: named ? spec.trim() : `CRON_TZ=${zone.name} ${spec.trim()}`,
    schedule,
    meaning: { fields, zone },
  };
}

/** @throws {@link CronSpecInvalidError} there is no such place. */
function readZone(spec: string, zoneName: string): { zone: TimeZone; at: number; text: string } {
  const prefix = ZONE_PREFIX.exec(spec)?.[0];
  const space = spec.indexOf(" ");
  if (prefix !== undefined && space === -1) {
    throw new CronSpecInvalidError(spec, spec.length, "names a time zone, and no times");
  }
  const name = prefix === undefined ? zoneName : spec.slice(prefix.length, space);
  const zone = timeZone(name);
  if (zone === undefined) {
    throw new CronSpecInvalidError(
      spec,
      prefix?.length ?? 0,
      `there is no time zone ${JSON.stringify(name)}`,
      'time zones are named as in "Europe/Berlin"',
    );
  }
  const from = prefix === undefined ? 0 : space;
  const text = spec.slice(from).trim();
  return { zone, at: from + spec.slice(from).search(/\S|$/), text };
}

function fieldsOf(spec: string, text: string, at: number): CronFields {
  if (text === "") throw new CronSpecInvalidError(spec, at, "is empty");
  if (text.startsWith("@")) {
    const meant = Object.hasOwn(DESCRIPTORS, text) ? DESCRIPTORS[text] : undefined;
    if (meant !== undefined) return fieldsOf(meant, meant, 0);
    const hint =
      text === EVERY.trim()
        ? "write a length behind it: @every 30s"
        : likely(text) || "write @daily, or @every 30s";
    throw new CronSpecInvalidError(spec, at, "has no such word", hint);
  }
  const pieces = [...text.matchAll(/\S+/g)].map((match) => ({ text: match[0], at: at + match.index }));
  if (pieces.length !== FIELDS.length) {
    const sixth = pieces[FIELDS.length];
    throw new CronSpecInvalidError(
      spec,
      sixth?.at ?? at + text.length,
      `has ${pieces.length} fields instead of 5`,
      sixth === undefined
        ? "write minute, hour, day of month, month and day of week"
        : "there is no field for seconds; @every takes them",
    );
  }
  return FIELDS.map((rules, i) =>
    parseCronField(spec, pieces[i] ?? { text: "", at }, rules),
  ) as unknown as CronFields;
}

function likely(word: string): string {
  const known = [...Object.keys(DESCRIPTORS), EVERY.trim()];
  const [first = ""] = word.split(" ");
  return suggestion(first, known).replace(/^ \((.*)\)$/, "$1");
}

const NS_A_SECOND = 1_000_000_000n;

/** In milliseconds: whole seconds, at least one, as in Go. */
function everyOf(spec: string, at: number, text: string): number {
  const ns = parseGoDuration(text.trim());
  if (ns === undefined) {
    throw new CronSpecInvalidError(
      spec,
      at,
      "has a length that cannot be read",
      "write it as in 30s, 5m or 1h30m",
    );
  }
  return Math.max(1, Number(ns / NS_A_SECOND)) * 1_000;
}

/** Multiples of the length since the epoch, not since the start as in Go: so all schedulers agree. */
function everySchedule(every: number): Schedule {
  return { next: (after) => (Math.floor(after / every) + 1) * every };
}
