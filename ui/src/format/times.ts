import { DASH } from "./numbers.ts";

/** Lengths in two steps of two units: `0.4 ms`, `420 ms`, `4.2 s`, `42 s`, `4 m 12 s`, `2 h 5 m`, `3 d 4 h`. */
export function duration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return DASH;
  const length = Math.max(0, ms);
  if (length < 1) return length === 0 ? "0 ms" : `${length.toFixed(1)} ms`;
  if (length < 1_000) return `${Math.round(length)} ms`;
  if (length < 9_950) return `${(length / 1_000).toFixed(1).replace(/\.0$/, "")} s`;
  const seconds = Math.round(length / 1_000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return pair(seconds, 60, "m", 1, "s");
  if (seconds < 86_400) return pair(seconds, 3_600, "h", 60, "m");
  return pair(seconds, 86_400, "d", 3_600, "h");
}

function pair(seconds: number, large: number, largeUnit: string, small: number, smallUnit: string): string {
  const whole = Math.floor(seconds / large);
  const rest = Math.floor((seconds % large) / small);
  return rest === 0 ? `${whole} ${largeUnit}` : `${whole} ${largeUnit} ${rest} ${smallUnit}`;
}

/** Ages as the tables show them: whole units, the larger of two. `3 s`, `4 m`, `2 h`, `5 d`. */
export function age(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return DASH;
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} m`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** `now`, `4 m ago`, `in 2 h`. */
export function relative(at: number | null | undefined, now: number): string {
  if (at === null || at === undefined) return DASH;
  const past = now - at;
  if (Math.abs(past) < 1_000) return "now";
  return past > 0 ? `${age(past)} ago` : `in ${age(-past)}`;
}

const DATE: Intl.DateTimeFormatOptions = {
  year: "numeric",
  month: "2-digit",
  day: "2-digit",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
};

/** Further than this no calendar goes; a task may name it all the same. */
const LAST_INSTANT = 8.64e15;

/** `2026-11-24 19:45:03.120 UTC+1`: for hovers and the page of a task. */
export function absolute(at: number | null | undefined, timeZone?: string): string {
  if (at === null || at === undefined) return DASH;
  if (Math.abs(at) > LAST_INSTANT) return "beyond the calendar";
  const zone = timeZone === undefined ? {} : { timeZone };
  const parts = new Map(
    new Intl.DateTimeFormat("en-GB", { ...DATE, ...zone, timeZoneName: "shortOffset" })
      .formatToParts(at)
      .map(({ type, value }) => [type, value]),
  );
  const part = (name: Intl.DateTimeFormatPartTypes) => parts.get(name) ?? "";
  const ms = String((((at % 1_000) + 1_000) % 1_000) | 0).padStart(3, "0");
  const offset = part("timeZoneName").replace("GMT", "UTC").replace(/\+0$/, "");
  return `${part("year")}-${part("month")}-${part("day")} ${part("hour")}:${part("minute")}:${part("second")}.${ms} ${offset}`;
}

/** `19:45`, or `19:45:03`. */
export function clock(at: number, withSeconds = false): string {
  return new Intl.DateTimeFormat("en-GB", {
    hour: "2-digit",
    minute: "2-digit",
    ...(withSeconds && { second: "2-digit" }),
    hourCycle: "h23",
  }).format(at);
}

/** `Tue 24 Nov`, of `2026-11-24`. */
export function day(date: string): string {
  return new Intl.DateTimeFormat("en-GB", {
    weekday: "short",
    day: "numeric",
    month: "short",
    timeZone: "UTC",
  }).format(new Date(`${date}T00:00:00Z`));
}
