import { useMemo } from "react";
import type { MetricsReport, MetricsSeries } from "../../api/types.ts";
import { useApi } from "../../api/use-api.ts";
import { Chart, type ChartLine } from "../../components/chart.tsx";
import { Section } from "../../components/page.tsx";
import type { Zoom } from "../../components/zoom-range.ts";
import { rate } from "../../format/numbers.ts";
import { duration } from "../../format/times.ts";
import styles from "./metrics-page.module.css";
import {
  atTimesOf,
  failedShares,
  instantsOf,
  type LineColor,
  lengthsOf,
  nameOf,
  PERCENTILES,
  type Percentile,
  ratesOf,
  seriesKey,
  startsOf,
} from "./metrics-view.ts";

export interface MetricsChartsProps {
  readonly report: MetricsReport;
  /** The same, a day before. */
  readonly yesterday: MetricsReport | undefined;
  /** What is shown; one alone is shown by its percentiles. */
  readonly rows: readonly MetricsSeries[];
  readonly colors: ReadonlyMap<string, LineColor>;
  readonly chosen: MetricsSeries | undefined;
  readonly percentile: Percentile;
  readonly zoom: Zoom | null;
  readonly onZoom: (from: number, to: number) => void;
}

const PERCENTILE_COLORS: Readonly<Record<Percentile, LineColor>> = {
  p50: "--line-2",
  p95: "--line-1",
  p99: "--line-3",
};

/** How much, how much of it in vain, how long it waited and how long it ran, under one crosshair. */
export function MetricsCharts(props: MetricsChartsProps) {
  const { report, yesterday, rows, colors, chosen, percentile, zoom, onZoom } = props;
  const marks = useStarts(report.from);
  const lines = useMemo(
    () =>
      chosen === undefined
        ? linesOfMany({ report, yesterday }, rows, colors, percentile)
        : linesOfOne({ report, yesterday }, chosen),
    [report, yesterday, rows, colors, chosen, percentile],
  );
  const [sample] = report.series;
  const at = useMemo(() => (sample === undefined ? [] : instantsOf(report, sample)), [report, sample]);
  const unnamed = useMemo(() => marks.map((mark) => ({ ...mark, label: "" })), [marks]);
  const shown = zoom ?? ([report.from, report.now] as const);
  const shared = { at, range: shown, sync: "metrics", marks: unnamed, onZoom };
  const hasBefore = lines.rates.some(({ before }) => before !== undefined);
  const of = chosen === undefined ? `, ${percentile}` : "";
  return (
    <div className={styles["charts"]}>
      <Section title="Attempts per second" aside={hasBefore && "dashed: a day earlier"}>
        <Chart
          {...shared}
          label="Attempts that ended, per second"
          lines={lines.rates}
          format={rate}
          marks={marks}
        />
      </Section>
      <Section title="Failed, of all attempts">
        <Chart {...shared} label="Failed attempts, in percent" lines={lines.failed} format={percent} />
      </Section>
      <Section title={`Wait${of}`} aside="from pending to start">
        <Chart
          {...shared}
          label="How long tasks waited, from pending to start"
          lines={lines.wait}
          format={duration}
          unit="time"
        />
      </Section>
      <Section title={`Run${of}`} aside="from start to end">
        <Chart
          {...shared}
          label="How long tasks ran, from start to end"
          lines={lines.run}
          format={duration}
          unit="time"
        />
      </Section>
    </div>
  );
}

function percent(value: number): string {
  return `${value.toFixed(value > 0 && value < 10 ? 1 : 0)} %`;
}

/** Servers that started meanwhile: what has changed since may be their doing. */
function useStarts(from: number) {
  const { data } = useApi("GET /api/servers", {}, { every: 60_000 });
  return useMemo(() => startsOf(data?.servers ?? [], from), [data, from]);
}

interface Lines {
  readonly rates: readonly ChartLine[];
  readonly failed: readonly ChartLine[];
  readonly wait: readonly ChartLine[];
  readonly run: readonly ChartLine[];
}

interface Days {
  readonly report: MetricsReport;
  readonly yesterday: MetricsReport | undefined;
}

/** Values of a series, and of the same a day before where anything is known of it. */
function withBefore(
  { report, yesterday }: Days,
  series: MetricsSeries,
  valuesOf: (series: MetricsSeries, report: MetricsReport) => ChartLine["values"],
): Pick<ChartLine, "values" | "before"> {
  const earlier = atTimesOf(report, yesterday, series);
  return {
    values: valuesOf(series, report),
    // Of that, all has been told.
    before: earlier && valuesOf(earlier, { ...report, now: Number.POSITIVE_INFINITY }),
  };
}

function linesOfMany(
  days: Days,
  rows: readonly MetricsSeries[],
  colors: ReadonlyMap<string, LineColor>,
  percentile: Percentile,
): Lines {
  const shown = rows.flatMap((series) => {
    const color = colors.get(seriesKey(series));
    return color === undefined ? [] : [{ series, shared: { label: nameOf(series, rows), color } }];
  });
  const each = (valuesOf: (series: MetricsSeries, report: MetricsReport) => ChartLine["values"]) =>
    shown.map(({ series, shared }) => ({ ...shared, ...withBefore(days, series, valuesOf) }));
  return {
    rates: each((series, report) => ratesOf(report, series)),
    failed: each(failedShares),
    wait: each((series) => lengthsOf(series, "wait", percentile)),
    run: each((series) => lengthsOf(series, "run", percentile)),
  };
}

function linesOfOne(days: Days, series: MetricsSeries): Lines {
  const lengths = (what: "wait" | "run") =>
    PERCENTILES.map((percentile) => ({
      label: percentile,
      color: PERCENTILE_COLORS[percentile],
      ...withBefore(days, series, (each) => lengthsOf(each, what, percentile)),
    }));
  return {
    rates: [
      {
        label: "all",
        color: "--line-1",
        ...withBefore(days, series, (each, report) => ratesOf(report, each)),
      },
      { label: "failed", color: "--bad", values: ratesOf(days.report, series, ({ failed }) => failed) },
    ],
    failed: [{ label: "failed", color: "--bad", ...withBefore(days, series, failedShares) }],
    wait: lengths("wait"),
    run: lengths("run"),
  };
}
