import { useMemo, useState } from "react";

/** Which rows are chosen, by their keys. */
export interface Selection {
  readonly keys: ReadonlySet<string>;
  /** Chooses a row, or no longer. With `to`, all between the last one and this. */
  toggle(key: string, rows?: readonly string[]): void;
  /** These, and no others. */
  set(keys: Iterable<string>): void;
  clear(): void;
}

interface Chosen {
  readonly keys: ReadonlySet<string>;
  readonly last: string | null;
}

const NONE: Chosen = { keys: new Set(), last: null };

/** @param rows - in the order in which they are seen: then all from the last toggled one to this are treated alike */
export function toggled({ keys, last }: Chosen, key: string, rows?: readonly string[]): Chosen {
  const next = new Set(keys);
  const choose = !keys.has(key);
  const from = rows !== undefined && last !== null ? rows.indexOf(last) : -1;
  const to = rows?.indexOf(key) ?? -1;
  const range =
    rows !== undefined && from >= 0 && to >= 0
      ? rows.slice(Math.min(from, to), Math.max(from, to) + 1)
      : [key];
  for (const each of range) {
    if (choose) next.add(each);
    else next.delete(each);
  }
  return { keys: next, last: key };
}

export function useSelection(): Selection {
  const [chosen, setChosen] = useState(NONE);
  return useMemo(
    () => ({
      keys: chosen.keys,
      toggle: (key, rows) => setChosen((before) => toggled(before, key, rows)),
      set: (keys) => setChosen({ keys: new Set(keys), last: null }),
      clear: () => setChosen(NONE),
    }),
    [chosen],
  );
}
