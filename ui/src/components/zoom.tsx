import { X } from "lucide-react";
import { useCallback, useMemo } from "react";
import { clock } from "../format/times.ts";
import { useSearch } from "../routing/router.tsx";
import { Button } from "./button.tsx";
import styles from "./zoom.module.css";
import { readZoom, type Zoom } from "./zoom-range.ts";

type Names = readonly [from: string, to: string];

const NAMES: Names = ["from", "to"];

export interface ZoomState {
  /** The part that the charts show, as the address says; `null`: the whole. */
  readonly zoom: Zoom | null;
  /** Goes there, so that the back key leads here. */
  readonly zoomTo: (from: number, to: number) => void;
  /** Goes to the whole. */
  readonly clear: () => void;
}

/** The part of their time that the charts of a page show, in the address. `names`: of its parameters, `from` and `to`. */
export function useZoom(names: Names = NAMES): ZoomState {
  const [search, change] = useSearch();
  const [first, last] = names;
  const zoomTo = useCallback(
    (from: number, to: number) => change({ [first]: Math.round(from), [last]: Math.round(to) }),
    [change, first, last],
  );
  const clear = useCallback(() => change({ [first]: null, [last]: null }), [change, first, last]);
  const [from, to] = [search.get(first), search.get(last)];
  return useMemo(() => ({ zoom: readZoom(from, to), zoomTo, clear }), [from, to, zoomTo, clear]);
}

export interface ZoomButtonProps {
  readonly zoom: Zoom | null;
  readonly clear: () => void;
  /** Of an instant. @defaultValue its time of day */
  readonly format?: (ms: number) => string;
}

/** What part is shown, and the way to the whole; nothing while that is shown. */
export function ZoomButton({ zoom, clear, format = clock }: ZoomButtonProps) {
  if (zoom === null) return null;
  return (
    <Button className={styles["zoom"]} icon={<X size={14} />} title="Show all of the time" onClick={clear}>
      {format(zoom[0])} to {format(zoom[1])}
    </Button>
  );
}
