import type { CronField } from "./cron-fields.ts";
import type { CronFields } from "./cron-schedule.ts";
import type { CronMeaning } from "./cron-spec.ts";

const MONTHS = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];
const DAYS = ["Sundays", "Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays"];
/** Longer lists are read faster as a spec. */
const MOST_LISTED = 4;

/** `at 06:00 in Europe/Rome on weekdays`; `undefined`: the spec itself is shorter, and no harder to read. */
export function specWords(meaning: CronMeaning): string | undefined {
  if ("every" in meaning) return `every ${lengthWords(meaning.every / 1_000)}`;
  const time = timeWords(meaning.fields);
  const day = dayWords(meaning.fields);
  if (time === undefined || day === undefined) return undefined;
  const { name } = meaning.zone;
  const zone = name === "UTC" ? " UTC" : ` in ${name}`;
  if (!time.isOften) return `${time.text}${zone}${day}`;
  // The hand of the minutes stands alike nearly everywhere.
  return day === "" ? time.text : `${time.text}${day}${zone}`;
}

function timeWords([minute, hour]: CronFields): { text: string; isOften: boolean } | undefined {
  const minutes = minute.values;
  if (hour.values.length === 24) {
    const every = stepOf(minute, 60);
    if (every !== undefined)
      return { text: every === 1 ? "every minute" : `every ${every} minutes`, isOften: true };
    if (minutes.length !== 1) return undefined;
    const at = Number(minutes[0]);
    const past = at === 0 ? "" : `at ${at} ${at === 1 ? "minute" : "minutes"} past `;
    return { text: `${past}every hour`, isOften: true };
  }
  const [at] = minutes;
  if (minutes.length !== 1 || at === undefined) return undefined;
  const every = stepOf(hour, 24);
  if (every !== undefined && at === 0) return { text: `every ${every} hours`, isOften: true };
  if (hour.values.length > MOST_LISTED) return undefined;
  return { text: `at ${listed(hour.values.map((each) => `${two(each)}:${two(at)}`))}`, isOften: false };
}

/** Of a field that goes through all of its range in equal steps, from 0 on. */
function stepOf({ values, isWild }: CronField, range: number): number | undefined {
  const [first, second = range] = values;
  if (!isWild || first !== 0 || range % second !== 0) return undefined;
  return values.length === range / second ? second : undefined;
}

/** With a space before it; empty: every day. */
function dayWords([, , day, month, weekday]: CronFields): string | undefined {
  const anyMonth = month.values.length === 12;
  if (day.isStar && weekday.isStar) return anyMonth ? "" : undefined;
  if (day.isStar && anyMonth) {
    const days = weekday.values;
    if (days.join() === "1,2,3,4,5") return " on weekdays";
    if (days.join() === "0,6") return " on weekends";
    return days.length > MOST_LISTED ? undefined : ` on ${listed(days.map((each) => DAYS[each] ?? ""))}`;
  }
  if (!weekday.isStar || day.values.length > MOST_LISTED) return undefined;
  if (anyMonth) return ` on the ${listed(day.values.map(ordinal))} of the month`;
  const [only] = month.values;
  return month.values.length === 1 && only !== undefined
    ? ` on ${listed(day.values.map(String))} ${MONTHS[only - 1]}`
    : undefined;
}

function ordinal(day: number): string {
  const last = Math.floor(day / 10) === 1 ? 0 : day % 10;
  return `${day}${["th", "st", "nd", "rd"][last] ?? "th"}`;
}

function listed(items: readonly string[]): string {
  return items.length < 2 ? items.join("") : `${items.slice(0, -1).join(", ")} and ${items.at(-1)}`;
}

const UNITS = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
] as const;

/** `hour`, `5 minutes`, `1 hour 30 minutes`. */
function lengthWords(seconds: number): string {
  const words: string[] = [];
  let left = seconds;
  for (const [unit, size] of UNITS) {
    const count = Math.floor(left / size);
    left -= count * size;
    if (count > 0) words.push(`${count} ${unit}${count === 1 ? "" : "s"}`);
  }
  const text = words.join(" ");
  return words.length === 1 ? text.replace(/^1 /, "") : text;
}

function two(number: number): string {
  return String(number).padStart(2, "0");
}
