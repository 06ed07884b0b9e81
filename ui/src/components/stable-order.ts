/**
 * Rows in the order in which to show them. Live data must not move what somebody is about to click: while `hold` is on,
 * those that were there keep their places, and new ones come last.
 */
export function stableOrder<T>(
  rows: readonly T[],
  keyOf: (row: T) => string,
  compare: ((a: T, b: T) => number) | undefined,
  before: readonly string[] | undefined,
  hold: boolean,
): readonly T[] {
  if (compare === undefined) return rows;
  const sorted = rows.toSorted(compare);
  if (!hold || before === undefined) return sorted;
  const places = new Map(before.map((key, at) => [key, at]));
  const placeOf = (row: T) => places.get(keyOf(row)) ?? before.length;
  return sorted.toSorted((a, b) => placeOf(a) - placeOf(b));
}

/** The key of a column with a minus before it where it runs down: `-pending`. */
export interface Sort {
  readonly column: string;
  readonly descending: boolean;
}

export function readSort(text: string | null, columns: readonly string[], otherwise: Sort): Sort {
  const descending = text?.startsWith("-") ?? false;
  const column = descending ? text?.slice(1) : text;
  return column && columns.includes(column) ? { column, descending } : otherwise;
}

export function writeSort({ column, descending }: Sort): string {
  return `${descending ? "-" : ""}${column}`;
}

/** What is not known comes last, whichever way. */
export function byNumber<T>(value: (row: T) => number | null): (a: T, b: T) => number {
  return (a, b) => (value(a) ?? Number.NEGATIVE_INFINITY) - (value(b) ?? Number.NEGATIVE_INFINITY);
}

const COLLATOR = new Intl.Collator("en", { numeric: true });

export function byText<T>(value: (row: T) => string): (a: T, b: T) => number {
  return (a, b) => COLLATOR.compare(value(a), value(b));
}
