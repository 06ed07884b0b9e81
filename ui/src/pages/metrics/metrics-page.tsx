import { useCallback, useMemo } from "react";
import type { MetricsReport, MetricsSeries } from "../../api/types.ts";
import { useApi } from "../../api/use-api.ts";
import { Banner } from "../../components/banner.tsx";
import { EmptyState, ErrorState, Skeleton } from "../../components/empty-state.tsx";
import { Page, Section } from "../../components/page.tsx";
import { Segments } from "../../components/segments.tsx";
import { readSort, writeSort } from "../../components/stable-order.ts";
import { Table } from "../../components/table.tsx";
import { useZoom, ZoomButton } from "../../components/zoom.tsx";
import { exactCount, plural, rate, share, shortCount } from "../../format/numbers.ts";
import { duration } from "../../format/times.ts";
import { useEngineAway } from "../../live/live.ts";
import { link, withSearch } from "../../routing/location.ts";
import { Link, useSearch } from "../../routing/router.tsx";
import { type Figure, Figures } from "../overview/figures.tsx";
import { MetricsCharts } from "./metrics-charts.tsx";
import {
  type MetricsRow,
  metricsColumns,
  metricsLink,
  metricsOnPhone,
  metricsRow,
} from "./metrics-columns.tsx";
import {
  chosenOf,
  coloursOf,
  type MetricsView,
  meanRate,
  PERCENTILES,
  RANGES,
  readView,
  rowsOf,
  seriesKey,
} from "./metrics-view.ts";

/** Is it faster or slower than before, and what takes the time? As servers have measured it. */
export default function MetricsPage() {
  const [search] = useSearch();
  const view = useMemo(() => readView(search), [search]);
  const { range, queue } = view;
  const { data, error, refetch } = useApi(
    "GET /api/metrics",
    { query: { range, ...(queue !== null && { queue }) } },
    { every: 30_000 },
  );
  // It is over, but for where it begins.
  const { data: yesterday } = useApi(
    "GET /api/metrics",
    { query: { range, ago: "24h", ...(queue !== null && { queue }) } },
    { every: 300_000, keep: false },
  );
  return (
    <Page
      title={["Metrics", view.queue, view.type].filter((part) => part !== null).join(" / ")}
      heading={<Crumbs view={view} />}
      actions={<Controls view={view} />}
    >
      {data !== undefined ? (
        <Report report={data} yesterday={yesterday} view={view} error={error} />
      ) : error !== null ? (
        <ErrorState what="what was measured" error={error} retry={() => void refetch()} />
      ) : (
        <Skeleton rows={16} />
      )}
    </Page>
  );
}

function Crumbs({ view: { range, percentile, queue, type } }: { readonly view: MetricsView }) {
  if (queue === null) return "Metrics";
  const shared = { range, p: percentile };
  return (
    <>
      <Link to={withSearch("/metrics", shared)} className="muted">
        Metrics
      </Link>
      <span className="faint"> / </span>
      {type === null ? (
        queue
      ) : (
        <>
          <Link to={withSearch("/metrics", { ...shared, queue })} className="muted">
            {queue}
          </Link>
          <span className="faint"> / </span>
          {type}
        </>
      )}
    </>
  );
}

const BY_WORDS = { queue: "Queues", type: "Types", all: "Together" } as const;

/** How it is shown; all of it is in the address. */
function Controls({ view }: { readonly view: MetricsView }) {
  const [search] = useSearch();
  const { zoom, clear } = useZoom();
  const to = (changed: Readonly<Record<string, string | null>>) =>
    withSearch("/metrics", { ...Object.fromEntries(search), ...changed });
  const { range, percentile, by, queue, type } = view;
  const ways = queue === null ? (["queue", "type"] as const) : (["type", "all"] as const);
  return (
    <>
      <ZoomButton zoom={zoom} clear={clear} />
      {type === null && (
        <Segments
          label="Lines"
          current={by}
          options={ways.map((each) => ({ id: each, label: BY_WORDS[each], to: to({ by: each }) }))}
        />
      )}
      {by !== "all" && (
        <Segments
          label="Percentile"
          current={percentile}
          options={PERCENTILES.map((each) => ({ id: each, label: each, to: to({ p: each }) }))}
        />
      )}
      <Segments
        label="Range"
        current={range}
        options={RANGES.map((each) => ({
          id: each,
          label: each.replace("h", " h"),
          to: to({ range: each, from: null, to: null }),
        }))}
      />
    </>
  );
}

interface ReportProps {
  readonly report: MetricsReport;
  readonly yesterday: MetricsReport | undefined;
  readonly view: MetricsView;
  readonly error: Error | null;
}

function Report({ report, yesterday, view, error }: ReportProps) {
  const { zoom, zoomTo } = useZoom();
  const away = useEngineAway();
  const rows = useMemo(() => rowsOf(report, view), [report, view]);
  const colors = useMemo(() => coloursOf(rows), [rows]);
  const chosen = view.by === "all" ? chosenOf(report, view) : undefined;
  if (report.series.length === 0) return <Nothing view={view} />;
  return (
    <>
      {error !== null && !away && (
        <Banner tone="warning">These numbers are as of a while ago: {error.message}</Banner>
      )}
      {report.truncated && (
        <Banner tone="info">
          There is more than fits: these are the busiest. The page of a queue leads to its numbers.
        </Banner>
      )}
      <Figures figures={figuresOf(report, yesterday, view, chosen ?? queueOf(report, view))} />
      <MetricsCharts
        report={report}
        yesterday={yesterday}
        rows={rows}
        colors={colors}
        chosen={chosen}
        percentile={view.percentile}
        zoom={zoom}
        onZoom={zoomTo}
      />
      <Rows report={report} view={view} rows={rows} colors={colors} />
    </>
  );
}

const RANGE_WORDS = { "1h": "hour", "6h": "6 hours", "24h": "24 hours" } as const;

function Nothing({ view: { queue, range } }: { readonly view: MetricsView }) {
  return (
    <EmptyState
      title={`Nothing was measured in the last ${RANGE_WORDS[range]}.`}
      action={queue === null ? undefined : <Link to={link`/queues/${queue}`}>Look at the queue {queue}</Link>}
    >
      Servers measure what ends there, and write it down once a minute. Go servers measure nothing.
    </EmptyState>
  );
}

/** All types of the queue that is looked at. */
function queueOf({ series }: MetricsReport, { queue }: MetricsView): MetricsSeries | undefined {
  return queue === null ? undefined : series.find((each) => each.queue === queue && each.type === null);
}

function figuresOf(
  report: MetricsReport,
  yesterday: MetricsReport | undefined,
  { queue }: MetricsView,
  one: MetricsSeries | undefined,
): readonly Figure[] {
  const queues = report.series.filter(({ type }) => type === null);
  const sum = (of: "processed" | "failed") => queues.reduce((all, { totals }) => all + totals[of], 0);
  const before = processedBefore(yesterday, one);
  const processed = one?.totals.processed ?? sum("processed");
  const failed = one?.totals.failed ?? sum("failed");
  const shared: readonly Figure[] = [
    {
      label: "Attempts",
      value: shortCount(processed),
      title:
        before === undefined
          ? exactCount(processed)
          : `${exactCount(processed)}; a day earlier ${exactCount(before)}`,
      beside: before === undefined ? undefined : `was ${shortCount(before)}`,
    },
    { label: "Per second", value: rate(meanRate(report, processed)) },
    {
      label: "Failed",
      value: share(failed, processed),
      beside: failed > 0 ? shortCount(failed) : undefined,
      title: plural(failed, "failed attempt"),
    },
  ];
  if (queue !== null) {
    const { wait, run } = one?.totals ?? { wait: null, run: null };
    return [
      ...shared,
      { label: "Wait p50", value: duration(wait?.p50) },
      { label: "Wait p95", value: duration(wait?.p95), beside: wait && `p99 ${duration(wait.p99)}` },
      { label: "Run p50", value: duration(run?.p50) },
      { label: "Run p95", value: duration(run?.p95), beside: run && `p99 ${duration(run.p99)}` },
    ];
  }
  return [...shared, worst("Longest wait, p95", queues, "wait"), worst("Longest run, p95", queues, "run")];
}

/** Attempts of the same length of time a day before, of one series or of all; `undefined`: nothing was measured then. */
function processedBefore(
  yesterday: MetricsReport | undefined,
  one: MetricsSeries | undefined,
): number | undefined {
  const same = yesterday?.series.filter((each) =>
    one === undefined ? each.type === null : each.queue === one.queue && each.type === one.type,
  );
  return same?.length ? same.reduce((all, { totals }) => all + totals.processed, 0) : undefined;
}

/** Percentiles of several queues are of no use together: the queue that has the longest. */
function worst(label: string, queues: readonly MetricsSeries[], what: "wait" | "run"): Figure {
  const lengthOf = ({ totals }: MetricsSeries) => totals[what]?.p95 ?? Number.NEGATIVE_INFINITY;
  const [first] = queues.toSorted((a, b) => lengthOf(b) - lengthOf(a));
  const length = first?.totals[what]?.p95;
  return { label, value: duration(length), beside: length === undefined ? undefined : first?.queue };
}

interface RowsProps {
  readonly report: MetricsReport;
  readonly view: MetricsView;
  readonly rows: readonly MetricsSeries[];
  readonly colors: ReturnType<typeof coloursOf>;
}

const keyOf = ({ key }: MetricsRow) => key;

function Rows({ report, view, rows: series, colors }: RowsProps) {
  const [search, change] = useSearch();
  const { range, percentile, queue, type, by } = view;
  const of = queue === null && by === "queue" ? "queues" : "types";
  const columns = useMemo(() => metricsColumns(of, queue === null && of === "types"), [of, queue]);
  const rows = useMemo(
    () =>
      series.map((each) => {
        const key = seriesKey(each);
        const isChosen = type !== null && each.type === type;
        return metricsRow(each, report, { key, isChosen, color: by === "all" ? undefined : colors.get(key) });
      }),
    [series, report, colors, by, type],
  );
  const sort = readSort(
    search.get("sort"),
    columns.map(({ id }) => id),
    { column: "processed", descending: true },
  );
  const to = useCallback((row: MetricsRow) => metricsLink(row, range, percentile), [range, percentile]);
  return (
    <Section
      title={of === "queues" ? "Queues" : queue === null ? "Types" : `Types of ${queue}`}
      aside={`the last ${RANGE_WORDS[range]}; up to a minute late, lengths within 13 %`}
    >
      <Table
        label={of === "queues" ? "Queues" : "Types"}
        rows={rows}
        columns={columns}
        keyOf={keyOf}
        to={to}
        phone={metricsOnPhone}
        sort={sort}
        onSort={(next) => change({ sort: writeSort(next) }, { replace: true })}
      />
    </Section>
  );
}
