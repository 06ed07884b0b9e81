const registry = Symbol.for("titanqueue.sqlite");

/** By path: whom to tell in this process, whichever copy of the package they belong to. */
function listeners(): Map<string, Set<() => void>> {
  const home = globalThis as { [registry]?: Map<string, Set<() => void>> };
  home[registry] ??= new Map();
  return home[registry];
}

/** Calls `onNews` whenever an engine of this process has written to the file; the answer ends it. */
export function listenToFile(path: string, onNews: () => void): () => void {
  const all = listeners();
  const ours = all.get(path) ?? new Set();
  all.set(path, ours);
  // A function of its own, so that nobody ends the listening of another.
  const listener = () => onNews();
  ours.add(listener);
  return () => {
    ours.delete(listener);
    if (ours.size === 0 && all.get(path) === ours) all.delete(path);
  };
}

/** Somebody of this process has written to the file. */
export function tellFile(path: string): void {
  for (const onNews of listeners().get(path) ?? []) onNews();
}
