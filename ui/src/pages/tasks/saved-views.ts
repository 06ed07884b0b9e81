/** A search that somebody keeps, in this browser. */
export interface SavedView {
  readonly name: string;
  readonly filter: string;
  /** Ids of columns; `null`: as they come. */
  readonly columns: string | null;
}

/** Views that come with the page. */
export const BUILT_IN: readonly SavedView[] = [
  { name: "Failed for good", filter: "state:archived", columns: null },
  { name: "Failed, and tried again", filter: "state:retry", columns: null },
  { name: "Running now", filter: "state:active", columns: null },
  { name: "Failed within the hour", filter: "error:* since:1h", columns: null },
];

const KEY = "titanqueue.views";
const MOST = 50;

type Store = Pick<Storage, "getItem" | "setItem">;

/** What was saved; what somebody else wrote there is passed over. */
export function savedViews(store: Store): readonly SavedView[] {
  const text = store.getItem(KEY);
  if (text === null) return [];
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
  return Array.isArray(value) ? value.filter(isView).slice(0, MOST) : [];
}

function isView(value: unknown): value is SavedView {
  if (typeof value !== "object" || value === null) return false;
  const { name, filter, columns } = value as Record<string, unknown>;
  return (
    typeof name === "string" &&
    typeof filter === "string" &&
    (columns === null || typeof columns === "string")
  );
}

/** Keeps a view, the newest last; one of the same name gives way. */
export function saveView(store: Store, view: SavedView): readonly SavedView[] {
  return keep(store, [...savedViews(store).filter(({ name }) => name !== view.name), view].slice(-MOST));
}

export function dropView(store: Store, name: string): readonly SavedView[] {
  return keep(
    store,
    savedViews(store).filter((view) => view.name !== name),
  );
}

function keep(store: Store, views: readonly SavedView[]): readonly SavedView[] {
  store.setItem(KEY, JSON.stringify(views));
  return views;
}
