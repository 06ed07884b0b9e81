import type { MetricsReport, MetricsSeries } from "../../api/types.ts";
import { byNumber, byText } from "../../components/stable-order.ts";
import type { Column } from "../../components/table.tsx";
import { Count, Duration, Rate } from "../../components/values.tsx";
import { plural, share } from "../../format/numbers.ts";
import { withSearch } from "../../routing/location.ts";
import styles from "./metrics-page.module.css";
import { type LineColor, meanRate, type Percentile, typeName } from "./metrics-view.ts";

/** A series as a row of the table. */
export interface MetricsRow extends MetricsSeries {
  readonly key: string;
  /** Of its line, where it has one. */
  readonly color: LineColor | undefined;
  /** It is the one that the charts show. */
  readonly isChosen: boolean;
  readonly perSecond: number | null;
}

export function metricsRow(
  series: MetricsSeries,
  report: MetricsReport,
  more: Pick<MetricsRow, "key" | "color" | "isChosen">,
): MetricsRow {
  return { ...series, ...more, perSecond: meanRate(report, series.totals.processed) };
}

const name = ({ queue, type }: MetricsSeries) => (type === null ? queue : typeName(type));

function Name({ row }: { readonly row: MetricsRow }) {
  return (
    <span className={styles["name"]} title={name(row)}>
      <span
        className={styles["swatch"]}
        style={row.color === undefined ? undefined : { background: `var(${row.color})` }}
      />
      <span className={row.isChosen ? styles["chosen"] : row.type === "" ? "muted ellipsis" : "ellipsis"}>
        {name(row)}
      </span>
    </span>
  );
}

function length(what: "wait" | "run", percentile: Percentile, from: number): Column<MetricsRow> {
  const value = ({ totals }: MetricsRow) => totals[what]?.[percentile] ?? null;
  const words = what === "wait" ? "Wait" : "Run";
  return {
    id: `${what}-${percentile}`,
    header: percentile === "p50" ? `${words} p50` : percentile,
    title:
      what === "wait"
        ? `${percentile.slice(1)} % waited no longer, from pending to start`
        : `${percentile.slice(1)} % ran no longer, from start to end`,
    width: "76px",
    align: "right",
    from,
    largestFirst: true,
    compare: byNumber(value),
    cell: (row) => <Duration ms={value(row)} />,
  };
}

/** Columns of queues, of types of one queue, or of types of all. */
export function metricsColumns(of: "queues" | "types", withQueue: boolean): readonly Column<MetricsRow>[] {
  return [
    {
      id: "name",
      header: of === "queues" ? "Queue" : "Type",
      width: "minmax(120px, 2fr)",
      main: true,
      compare: byText(name),
      cell: (row) => <Name row={row} />,
    },
    ...(withQueue
      ? [
          {
            id: "queue",
            header: "Queue",
            width: "minmax(70px, 1fr)",
            from: 700,
            compare: byText(({ queue }: MetricsRow) => queue),
            cell: ({ queue }: MetricsRow) => <span title={queue}>{queue}</span>,
          },
        ]
      : []),
    ...NUMBERS,
  ];
}

const NUMBERS: readonly Column<MetricsRow>[] = [
  {
    id: "processed",
    header: "Attempts",
    title: "Attempts that ended, failures included",
    width: "76px",
    align: "right",
    largestFirst: true,
    compare: byNumber(({ totals }) => totals.processed),
    cell: ({ totals }) => <Count value={totals.processed} />,
  },
  {
    id: "rate",
    header: "Per second",
    title: "Over all of the time that is shown",
    width: "80px",
    align: "right",
    from: 560,
    largestFirst: true,
    compare: byNumber(({ perSecond }) => perSecond),
    cell: ({ perSecond }) => <Rate value={perSecond} />,
  },
  {
    id: "failed",
    header: "Failed",
    title: "Of the attempts that ended",
    width: "64px",
    align: "right",
    largestFirst: true,
    compare: byNumber(({ totals }) => (totals.processed === 0 ? null : totals.failed / totals.processed)),
    cell: ({ totals: { failed, processed } }) => (
      <span className={failed === 0 ? "faint" : undefined} title={plural(failed, "failed attempt")}>
        {share(failed, processed)}
      </span>
    ),
  },
  length("wait", "p50", 900),
  length("wait", "p95", 480),
  length("wait", "p99", 1_000),
  length("run", "p50", 800),
  length("run", "p95", 480),
  length("run", "p99", 1_000),
];

/** A row in two lines, for a phone. */
export function metricsOnPhone(row: MetricsRow) {
  const { totals } = row;
  return (
    <>
      <span className="row">
        <Name row={row} />
        <span className="spacer" />
        <Count value={totals.processed} />
      </span>
      <span className="small muted ellipsis">
        {share(totals.failed, totals.processed)} failed · p95: waited <Duration ms={totals.wait?.p95} />, ran{" "}
        <Duration ms={totals.run?.p95} />
      </span>
    </>
  );
}

/** Where a row leads: from queues to their types, from a type to itself alone. What has no name stays where it is. */
export function metricsLink({ queue, type }: MetricsSeries, range: string, percentile: string): string {
  return withSearch("/metrics", { range, p: percentile, queue, type });
}
