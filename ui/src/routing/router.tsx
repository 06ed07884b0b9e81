import {
  type AnchorHTMLAttributes,
  type MouseEvent,
  type ReactNode,
  useCallback,
  useMemo,
  useSyncExternalStore,
} from "react";
import { base } from "./base.ts";
import { hrefOf, type Place, placeOf, withSearch } from "./location.ts";

let place = placeOf(window.location.href, base);
const listeners = new Set<() => void>();

function arrive(): void {
  place = placeOf(window.location.href, base);
  for (const listener of listeners) listener();
}

window.addEventListener("popstate", arrive);

/** Goes to a page of the monitor. `replace`: the back key does not lead here. */
export function navigate(to: string, { replace = false }: { readonly replace?: boolean } = {}): void {
  const href = hrefOf(to, base);
  if (replace) history.replaceState(null, "", href);
  else history.pushState(null, "", href);
  arrive();
}

export function placeNow(): Place {
  return place;
}

export function usePlace(): Place {
  return useSyncExternalStore(subscribe, () => place);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
}

export type SearchChange = Readonly<Record<string, string | number | null | undefined>>;

/**
 * The state of a page is what follows the question mark of its address. A change names what it changes; `null` takes
 * it out. Changes that one would not go back to, as of a sort order, replace.
 */
export function useSearch(): [
  search: URLSearchParams,
  change: (change: SearchChange, options?: { readonly replace?: boolean }) => void,
] {
  const { search } = usePlace();
  const change = useCallback((changed: SearchChange, options?: { readonly replace?: boolean }) => {
    const now = Object.fromEntries(place.search);
    navigate(withSearch(place.path, { ...now, ...changed }), options);
  }, []);
  return useMemo(() => [search, change], [search, change]);
}

export interface LinkProps extends Omit<AnchorHTMLAttributes<HTMLAnchorElement>, "href"> {
  /** `/queues/low`; parts that come from outside through `link`. */
  readonly to: string;
  readonly children?: ReactNode;
}

/** A link to a page of the monitor. New tabs, copying and the middle button work as with any link. */
export function Link({ to, onClick, ...rest }: LinkProps) {
  const follow = (event: MouseEvent<HTMLAnchorElement>) => {
    onClick?.(event);
    if (event.defaultPrevented || event.button !== 0 || hasModifier(event)) return;
    event.preventDefault();
    navigate(to);
  };
  return <a href={hrefOf(to, base)} onClick={follow} {...rest} />;
}

export function hasModifier(event: {
  readonly metaKey: boolean;
  readonly ctrlKey: boolean;
  readonly shiftKey: boolean;
  readonly altKey: boolean;
}): boolean {
  return event.metaKey || event.ctrlKey || event.shiftKey || event.altKey;
}
