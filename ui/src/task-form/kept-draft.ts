const KEY = "titanqueue.draft";

/** As `sessionStorage` is. */
interface Store {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/** What was being written in a form of this tab, if the page was left or loaded anew. @param form - which one, and of what */
export function keptDraft<T extends object>(store: Store, form: string, before: T): T {
  const text = store.getItem(`${KEY}:${form}`);
  if (text === null) return before;
  const kept = JSON.parse(text) as Readonly<Record<string, unknown>>;
  const known = Object.entries(kept).filter(([name, value]) => name in before && typeof value === "string");
  return { ...before, ...Object.fromEntries(known) };
}

export function keepDraft(store: Store, form: string, draft: object): void {
  store.setItem(`${KEY}:${form}`, JSON.stringify(draft));
}

export function dropDraft(store: Store, form: string): void {
  store.removeItem(`${KEY}:${form}`);
}
