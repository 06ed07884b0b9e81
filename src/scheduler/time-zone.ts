/** What the clocks of a place show. */
export interface TimeZone {
  readonly name: string;
  /** Milliseconds by which its clocks are ahead of UTC at that instant. */
  offsetAt(instant: number): number;
}

const UTC: TimeZone = { name: "UTC", offsetAt: () => 0 };
const zones = new Map<string, TimeZone>([["UTC", UTC]]);

/** The zone of that name in the IANA database that this Node.js brings; `undefined`: there is none. */
export function timeZone(name: string): TimeZone | undefined {
  const known = zones.get(name);
  if (known !== undefined) return known;
  // Offsets such as "+01:00" are no places, and Go knows none of that name.
  if (!/^[A-Za-z]/.test(name)) return undefined;
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat("en-US", { ...FIELDS, timeZone: name });
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
  const zone: TimeZone = { name, offsetAt: (instant) => wallAt(format, instant) - floorToSecond(instant) };
  zones.set(name, zone);
  return zone;
}

const FIELDS = {
  calendar: "gregory",
  numberingSystem: "latn",
  hourCycle: "h23",
  year: "numeric",
  month: "numeric",
  day: "numeric",
  hour: "numeric",
  minute: "numeric",
  second: "numeric",
} as const;

/** What the clocks show, as if they were UTC's. */
function wallAt(format: Intl.DateTimeFormat, instant: number): number {
  const parts: Partial<Record<Intl.DateTimeFormatPartTypes, number>> = {};
  for (const { type, value } of format.formatToParts(instant)) parts[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

function floorToSecond(instant: number): number {
  return Math.floor(instant / 1_000) * 1_000;
}
