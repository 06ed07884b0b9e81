/** Cursors lead on, and not back: which page led to which is kept while the tab is open. */
const before = new Map<string, string | null>();

export function rememberCursor(next: string, current: string | null): void {
  before.set(next, current);
}

/** The cursor of the page before; `null`: it was the first, or nobody came from there. */
export function previousCursor(cursor: string): string | null {
  return before.get(cursor) ?? null;
}
