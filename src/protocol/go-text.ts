/** Texts in Go's own notation, which scheduler entries hold for other tools to read: `docs/protocol.md` 6.5. */

/** Nanoseconds. */
const UNITS: ReadonlyMap<string, bigint> = new Map([
  ["ns", 1n],
  ["us", 1_000n],
  ["\u00b5s", 1_000n],
  ["\u03bcs", 1_000n],
  ["ms", 1_000_000n],
  ["s", 1_000_000_000n],
  ["m", 60_000_000_000n],
  ["h", 3_600_000_000_000n],
]);

const MAX = 2n ** 63n - 1n;
const WHOLE = /^(?:(?:\d+(?:\.\d*)?|\.\d+)[^\d.]+)+$/;
const PART = /(\d*)\.?(\d*)([^\d.]+)/g;

/** A length of time as Go prints it: `1h2m3.5s`, `1.5ms`, `0s`. */
export function formatGoDuration(ns: bigint): string {
  const sign = ns < 0n ? "-" : "";
  const length = ns < 0n ? -ns : ns;
  if (length === 0n) return "0s";
  if (length < 1_000n) return `${sign}${length}ns`;
  if (length < 1_000_000n) return `${sign}${decimal(length, 1_000n)}\u00b5s`;
  if (length < 1_000_000_000n) return `${sign}${decimal(length, 1_000_000n)}ms`;
  const minutes = length / 60_000_000_000n;
  const seconds = `${decimal(length % 60_000_000_000n, 1_000_000_000n)}s`;
  if (minutes === 0n) return sign + seconds;
  if (minutes < 60n) return `${sign}${minutes}m${seconds}`;
  return `${sign}${minutes / 60n}h${minutes % 60n}m${seconds}`;
}

function decimal(amount: bigint, unit: bigint): string {
  const fraction = String(unit + (amount % unit))
    .slice(1)
    .replace(/0+$/, "");
  return fraction === "" ? `${amount / unit}` : `${amount / unit}.${fraction}`;
}

/** Nanoseconds of a length of time in Go's notation, or `undefined` where Go refuses the text. */
export function parseGoDuration(text: string): bigint | undefined {
  const negative = text.startsWith("-");
  const parts = /^[-+]/.test(text) ? text.slice(1) : text;
  if (parts === "0") return 0n;
  if (!WHOLE.test(parts)) return undefined;
  let length = 0n;
  for (const [, whole = "", fraction = "", name = ""] of parts.matchAll(PART)) {
    const unit = UNITS.get(name);
    if (unit === undefined) return undefined;
    length += BigInt(whole) * unit + fractionNs(fraction, unit);
  }
  if (length > (negative ? MAX + 1n : MAX)) return undefined;
  return negative ? -length : length;
}

/** In floating point, and of as many digits as 63 bits hold: as Go does it, so that both round alike. */
function fractionNs(digits: string, unit: bigint): bigint {
  let fraction = 0n;
  let scale = 1;
  for (const digit of digits) {
    const longer = fraction * 10n + BigInt(digit);
    if (longer > MAX) break;
    fraction = longer;
    scale *= 10;
  }
  return BigInt(Math.trunc(Number(fraction) * (Number(unit) / scale)));
}

const SHORT_ESCAPES: ReadonlyMap<string, string> = new Map([
  ["\u0007", "\\a"],
  ["\b", "\\b"],
  ["\f", "\\f"],
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
  ["\v", "\\v"],
  ["\\", "\\\\"],
  ['"', '\\"'],
]);

const UNPRINTABLE = /[\\"]|[^ \p{L}\p{M}\p{N}\p{P}\p{S}]/gu;

/** `text` as a double-quoted Go literal. */
export function quoteGo(text: string): string {
  return `"${text.replace(UNPRINTABLE, escapeGo)}"`;
}

function escapeGo(character: string): string {
  const short = SHORT_ESCAPES.get(character);
  if (short !== undefined) return short;
  const code = character.codePointAt(0) as number;
  const hex = code.toString(16);
  if (code < 0x80) return `\\x${hex.padStart(2, "0")}`;
  // A lone surrogate is no text; on the wire it is U+FFFD, which prints.
  if (code >= 0xd800 && code <= 0xdfff) return "\ufffd";
  return code > 0xffff ? `\\U${hex.padStart(8, "0")}` : `\\u${hex.padStart(4, "0")}`;
}

/** An option of an enqueue under its name in Go. Lengths and instants are milliseconds. */
export type GoOption =
  | readonly [name: "MaxRetry", count: number]
  | readonly [name: "Queue" | "TaskID" | "Group", text: string]
  | readonly [name: "Timeout" | "Unique" | "ProcessIn" | "Retention", length: number]
  | readonly [name: "Deadline" | "ProcessAt", instant: number]
  | readonly [name: "Header", key: string, value: string];

/** An enqueue option as scheduler entries hold it: `MaxRetry(3)`, `Queue("low")`, `Timeout(30m0s)`. */
export function goOptionText(option: GoOption): string {
  return `${option[0]}(${argumentText(option)})`;
}

function argumentText(option: GoOption): string {
  switch (option[0]) {
    case "MaxRetry":
      return String(option[1]);
    case "Queue":
    case "TaskID":
    case "Group":
      return quoteGo(option[1]);
    case "Timeout":
    case "Unique":
    case "ProcessIn":
    case "Retention":
      return formatGoDuration(BigInt(Math.round(option[1] * 1_000_000)));
    case "Deadline":
    case "ProcessAt":
      return unixDate(option[1]);
    case "Header":
      return goJson([option[1], option[2]]);
  }
}

const WEEKDAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"] as const;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"] as const;

/** An instant as `date` prints it, in UTC: `Mon Jan  2 15:04:05 UTC 2006`. */
function unixDate(ms: number): string {
  const date = new Date(ms);
  const day = String(date.getUTCDate()).padStart(2);
  const year = String(date.getUTCFullYear()).padStart(4, "0");
  const time = date.toISOString().slice(-13, -5);
  return `${WEEKDAYS[date.getUTCDay()]} ${MONTHS[date.getUTCMonth()]} ${day} ${time} UTC ${year}`;
}

/** JSON as Go writes it: safe inside HTML. */
function goJson(value: readonly string[]): string {
  return JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
