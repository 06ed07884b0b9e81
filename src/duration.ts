import { InvalidOptionError } from "./errors.ts";
import { shown } from "./shown-value.ts";

/** A length of time: milliseconds, or text such as `"500ms"`, `"30s"`, `"10m"`, `"1h30m"`, `"2d"`, `"1w"`. */
export type Duration = number | string;

/** The longest length accepted, in milliseconds: 100 years. Anything longer is a mistake in the unit. */
export const MAX_DURATION = 100 * 365.25 * 86_400_000;

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

const WHOLE = /^(?:\d+(?:\.\d+)?(?:ms|[smhdw]))+$/;
const PART = /(\d+(?:\.\d+)?)(ms|[smhdw])/g;
const FORMS = 'milliseconds, or text such as "500ms", "30s", "10m", "1h30m", "2d"';

/**
 * Milliseconds of `duration`, rounded to whole ones.
 *
 * @throws {@link InvalidOptionError} not a number or text of that form, negative, not finite, or over 100 years.
 */
export function parseDuration(option: string, duration: unknown): number {
  const ms = typeof duration === "string" ? textMs(option, duration) : duration;
  if (typeof ms !== "number" || Number.isNaN(ms)) {
    throw new InvalidOptionError(option, `expected ${FORMS}; got ${shown(duration)}`);
  }
  if (ms < 0) throw new InvalidOptionError(option, `must not be negative; got ${shown(duration)}`);
  if (ms > MAX_DURATION) throw new InvalidOptionError(option, `is over 100 years; got ${shown(duration)}`);
  return Math.round(ms);
}

/**
 * As {@link parseDuration}, for options that nobody sets below a second: a bare number under 1000 is refused,
 * since `30` there means half a minute to its author and 30 ms to us.
 */
export function parseLongDuration(option: string, duration: unknown): number {
  if (typeof duration === "number" && duration > 0 && duration < 1_000) {
    throw new InvalidOptionError(
      option,
      `${duration} is ${duration} ms; write "${duration}s" or "${duration}ms"`,
    );
  }
  return parseDuration(option, duration);
}

function textMs(option: string, text: string): number {
  if (text.length > 64 || !WHOLE.test(text)) {
    throw new InvalidOptionError(option, `expected ${FORMS}; got ${shown(text)}`);
  }
  let ms = 0;
  for (const [, amount, unit] of text.matchAll(PART))
    ms += Number(amount) * (UNIT_MS[unit as string] as number);
  return ms;
}
