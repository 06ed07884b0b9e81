import { bytes, DASH, exactCount, rate, shortCount } from "../format/numbers.ts";
import { absolute, age, duration, relative } from "../format/times.ts";
import { useNow } from "../live/live.ts";
import { classes } from "./classes.ts";

/** A number of things: short, exact on hover. Zeroes step back. */
export function Count({
  value,
  className,
}: {
  readonly value: number | null | undefined;
  readonly className?: string;
}) {
  const isQuiet = value === 0 || value === null || value === undefined;
  const short = shortCount(value);
  const exact = exactCount(value);
  return (
    <span className={classes(isQuiet && "faint", className)} title={short === exact ? undefined : exact}>
      {short}
    </span>
  );
}

/** A number per second. */
export function Rate({ value }: { readonly value: number | null | undefined }) {
  const isQuiet = value === 0 || value === null || value === undefined;
  return <span className={classes(isQuiet && "faint")}>{rate(value)}</span>;
}

/** A length of time: `4 m 12 s`. */
export function Duration({ ms }: { readonly ms: number | null | undefined }) {
  const isUnknown = ms === null || ms === undefined;
  return <span className={classes(isUnknown && "faint")}>{duration(ms)}</span>;
}

/** Since when something is so: `4 m`, by the engine's clock; the instant on hover. */
export function Age({ since }: { readonly since: number | null | undefined }) {
  const now = useNow();
  if (since === null || since === undefined) return <span className="faint">{DASH}</span>;
  return (
    <time dateTime={isoOf(since)} title={`since ${absolute(since)}`}>
      {age(now - since)}
    </time>
  );
}

/** When something was or will be: `4 m ago`, `in 2 h`, by the engine's clock; the instant with its zone on hover. */
export function RelativeTime({ at }: { readonly at: number | null | undefined }) {
  const now = useNow();
  if (at === null || at === undefined) return <span className="faint">{DASH}</span>;
  return (
    <time dateTime={isoOf(at)} title={absolute(at)}>
      {relative(at, now)}
    </time>
  );
}

/** How long something has been going on, to the second: `4 m 12 s`. */
export function Elapsed({ since }: { readonly since: number }) {
  const now = useNow();
  return (
    <time dateTime={isoOf(since)} title={`since ${absolute(since)}`}>
      {duration(Math.max(0, Math.round((now - since) / 1_000) * 1_000))}
    </time>
  );
}

/** An instant, whole. */
export function Instant({ at }: { readonly at: number | null | undefined }) {
  if (at === null || at === undefined) return <span className="faint">{DASH}</span>;
  return <time dateTime={isoOf(at)}>{absolute(at)}</time>;
}

export function Bytes({ value }: { readonly value: number | null | undefined }) {
  return (
    <span title={value === null || value === undefined ? undefined : `${exactCount(value)} bytes`}>
      {bytes(value)}
    </span>
  );
}

/** Instants that no calendar has (a hostile task may name one) are given without. */
function isoOf(at: number): string | undefined {
  return Math.abs(at) <= 8.64e15 ? new Date(at).toISOString() : undefined;
}
