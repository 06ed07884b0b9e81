import { useCallback, useSyncExternalStore } from "react";

/** Whether a media query holds. */
function useMedia(query: string): boolean {
  const subscribe = useCallback(
    (listener: () => void) => {
      const list = window.matchMedia(query);
      list.addEventListener("change", listener);
      return () => list.removeEventListener("change", listener);
    },
    [query],
  );
  return useSyncExternalStore(subscribe, () => window.matchMedia(query).matches);
}

/** A phone, held upright. */
export function usePhone(): boolean {
  return useMedia("(max-width: 639px)");
}

/** A finger rather than a pointer. */
export function useTouch(): boolean {
  return useMedia("(pointer: coarse)");
}
