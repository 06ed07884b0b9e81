import { useMemo, useState } from "react";

/** Rows as they are shown while what they were asked for changes. */
export interface CalmRows<T> {
  /** In the order in which they were first shown; what is known of each is the latest. */
  readonly rows: readonly T[];
  /** Keys of rows that are not there any more. */
  readonly gone: ReadonlySet<string>;
  /** Rows that came since, and wait. */
  readonly waiting: number;
}

export function calmRows<T>(
  shown: readonly T[],
  latest: readonly T[],
  keyOf: (row: T) => string,
): CalmRows<T> {
  const news = new Map(latest.map((row) => [keyOf(row), row]));
  const gone = new Set<string>();
  const rows = shown.map((row) => {
    const key = keyOf(row);
    const now = news.get(key);
    news.delete(key);
    if (now === undefined) gone.add(key);
    return now ?? row;
  });
  return { rows, gone, waiting: news.size };
}

interface Shown<T> {
  readonly scope: string;
  readonly rows: readonly T[];
}

/**
 * Keeps the rows of a list where they are while it changes behind them: those that left are pale, those that came wait
 * until `refresh`. Another `scope` (a filter, a page) is another list. Where nothing that is shown is left, the latest is.
 *
 * @param latest - `undefined`: nothing is known yet, or what is known is of another scope
 */
export function useCalmRows<T>(
  latest: readonly T[] | undefined,
  keyOf: (row: T) => string,
  scope: string,
): CalmRows<T> & { readonly refresh: () => void } {
  const [shown, setShown] = useState<Shown<T> | null>(null);
  const calm = useMemo(() => {
    const before = shown?.scope === scope ? shown.rows : [];
    return calmRows(before, latest ?? before, keyOf);
  }, [shown, latest, keyOf, scope]);
  const isStale = shown?.scope !== scope || calm.rows.length === calm.gone.size;
  if (latest !== undefined && isStale && (shown?.scope !== scope || calm.waiting > 0 || calm.gone.size > 0)) {
    setShown({ scope, rows: latest });
  }
  const refresh = () => latest !== undefined && setShown({ scope, rows: latest });
  return { ...calm, refresh };
}
