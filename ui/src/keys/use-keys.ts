import { useEffect, useRef, useSyncExternalStore } from "react";
import { type KeyBinding, KeyMatcher, keyName } from "./key-map.ts";

type Source = { readonly current: readonly KeyBinding[] };

let sources: readonly Source[] = [];
const listeners = new Set<() => void>();
const matcher = new KeyMatcher();

function setSources(next: readonly Source[]): void {
  sources = next;
  for (const listener of listeners) listener();
}

/** What is bound now, the last one in front. */
function bound(): readonly KeyBinding[] {
  return sources.flatMap(({ current }) => current);
}

/**
 * Binds keys while the component is shown. They do nothing while somebody writes, while a dialog is open, or together
 * with the keys of the browser.
 *
 * @example useKeys([{ keys: "p", label: "Pause the queue", run: pause }]);
 */
export function useKeys(bindings: readonly KeyBinding[]): void {
  const latest = useRef(bindings);
  useEffect(() => {
    latest.current = bindings;
  });
  useEffect(() => {
    const source: Source = latest;
    setSources([...sources, source]);
    return () => setSources(sources.filter((each) => each !== source));
  }, []);
}

/** All that is bound, for the list of keys. */
export function useBoundKeys(): readonly KeyBinding[] {
  useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
    () => sources,
  );
  return bound();
}

const WRITING = "input, textarea, select, [contenteditable]";
const PRESSABLE = "a, button, summary, [role=button], [role=menuitem], [role=tab], input, select";

window.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing) return;
  const name = keyName(event);
  if (name === undefined) return;
  const target = event.target instanceof Element ? event.target : null;
  if (document.querySelector("dialog:modal") !== null) return;
  // Enter and space press what has the focus.
  if ((name === "enter" || name === "space") && target?.closest(PRESSABLE)) return;
  const checkbox = target instanceof HTMLInputElement && target.type === "checkbox";
  const writing = target?.closest(WRITING) !== null && target !== null && !checkbox;
  const bindings = writing ? bound().filter(({ inFields }) => inFields) : bound();
  const found = matcher.press(name, event.timeStamp, bindings);
  if (found === undefined) return;
  event.preventDefault();
  if (found !== "pending") found.run();
});
