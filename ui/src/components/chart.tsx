import { lazy, Suspense } from "react";
import styles from "./chart.module.css";

export interface ChartLine {
  readonly label: string;
  /** Of the tokens: `--pending`. */
  readonly color: `--${string}`;
  /** One for each of `at`; `null` is a gap. */
  readonly values: readonly (number | null)[];
  /** The same as it was before, as a day ago: dashed, in the same colour, its values beside those of now. */
  readonly before?: readonly (number | null)[] | undefined;
  /** @defaultValue "line" */
  readonly look?: "line" | "area" | "bars";
}

export interface ChartProps {
  /** What is seen, in words, for those who do not see it. */
  readonly label: string;
  /** Instants in milliseconds, oldest first. */
  readonly at: readonly number[];
  readonly lines: readonly ChartLine[];
  /** @defaultValue 160 */
  readonly height?: number;
  /** Of a value, at the axis and under the crosshair. */
  readonly format?: (value: number) => string;
  /** Of values that are milliseconds, the axis is divided as a clock is. @defaultValue "number" */
  readonly unit?: "number" | "time";
  /** What the axis shows at least, in milliseconds. Left out: what there is. */
  readonly range?: readonly [from: number, to: number];
  /** Charts of one name share their crosshair. */
  readonly sync?: string;
  /** Days in UTC rather than times of day. */
  readonly days?: boolean;
  /** Somebody chose a part by dragging. */
  readonly onZoom?: (from: number, to: number) => void;
  /** Instants that are marked by a thin line, as of a deploy. */
  readonly marks?: readonly { readonly at: number; readonly label: string }[];
}

const Plot = lazy(() => import("./plot.tsx"));

/** A chart from zero, its gaps as gaps, its lines named beside it. What draws it is loaded when one is shown. */
export function Chart(props: ChartProps) {
  const { height = 160, lines } = props;
  return (
    <Suspense
      fallback={
        <div className={styles["waiting"]} style={{ height: height + (hasTallLegend(lines) ? 40 : 20) }} />
      }
    >
      <Plot {...props} height={height} />
    </Suspense>
  );
}

/** Names and values of the lines take more room than one line of text. */
export function hasTallLegend(lines: readonly ChartLine[]): boolean {
  return lines.reduce((length, { label }) => length + Math.min(label.length, 22) + 10, 0) > 70;
}
