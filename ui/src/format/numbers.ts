/** Numbers as the tables show them. What is not known is a dash, never 0. */
export const DASH = "–";

const EXACT = new Intl.NumberFormat("en", { useGrouping: true });

/** `12 400`, with thin spaces: for hovers and sentences. */
export function exactCount(count: number | null | undefined): string {
  return count === null || count === undefined ? DASH : EXACT.format(count).replaceAll(",", "\u202f");
}

/** `9 999`, `12.4k`, `1.25M`: three or four digits at most, never rounded up to what it has not reached. */
export function shortCount(count: number | null | undefined): string {
  if (count === null || count === undefined) return DASH;
  if (Math.abs(count) < 10_000) return exactCount(count);
  const units = ["k", "M", "G", "T"];
  let value = count;
  let unit = "";
  for (const next of units) {
    if (Math.abs(value) < 1_000) break;
    value /= 1_000;
    unit = next;
  }
  const digits = Math.abs(value) < 100 ? 1 : 0;
  const cut = Math.trunc(value * 10 ** digits) / 10 ** digits;
  return `${cut.toFixed(digits)}${unit}`;
}

/** Per second: `0.04`, `41.0`, `1.2k`. */
export function rate(perSecond: number | null | undefined): string {
  if (perSecond === null || perSecond === undefined) return DASH;
  if (perSecond >= 1_000) return shortRate(perSecond);
  if (perSecond !== 0 && perSecond < 0.1) return perSecond.toFixed(2);
  return perSecond.toFixed(1);
}

function shortRate(perSecond: number): string {
  return perSecond >= 10_000 ? shortCount(perSecond) : `${(perSecond / 1_000).toFixed(1)}k`;
}

/** `0 %`, `0.4 %`, `12 %`; a dash where nothing was tried. */
export function share(part: number, whole: number): string {
  if (whole <= 0) return DASH;
  const percent = (part / whole) * 100;
  const digits = percent > 0 && percent < 10 ? 1 : 0;
  return `${percent.toFixed(digits)} %`;
}

/** `+12 %`, `−3 %`, `±0 %`; `null` where there is nothing to compare with. */
export function change(now: number, before: number): string | null {
  if (before <= 0) return null;
  const percent = Math.round((now / before - 1) * 100);
  if (percent === 0) return "±0 %";
  return percent > 0 ? `+${percent} %` : `−${-percent} %`;
}

/** `512 B`, `1.5 KiB`, `64 KiB`. */
export function bytes(count: number | null | undefined): string {
  if (count === null || count === undefined) return DASH;
  if (count < 1_024) return `${count} B`;
  const units = ["KiB", "MiB", "GiB", "TiB"];
  let value = count;
  let unit = "B";
  for (const next of units) {
    if (value < 1_024) break;
    value /= 1_024;
    unit = next;
  }
  return `${value < 10 ? value.toFixed(1).replace(/\.0$/, "") : Math.round(value)} ${unit}`;
}

/** `1 task`, `2 tasks`. */
export function plural(count: number, word: string, many = `${word}s`): string {
  return `${exactCount(count)} ${count === 1 ? word : many}`;
}
