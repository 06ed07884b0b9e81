import { useEffect, useMemo, useState } from "react";
import type { QueueDetail, QueueRow, RatePoint } from "../../api/types.ts";
import { useApi } from "../../api/use-api.ts";
import { Chart } from "../../components/chart.tsx";
import { Section } from "../../components/page.tsx";
import { usePhone } from "../../components/use-media.ts";
import { useZoom, ZoomButton } from "../../components/zoom.tsx";
import { within } from "../../components/zoom-range.ts";
import { exactCount, rate, share } from "../../format/numbers.ts";
import { day } from "../../format/times.ts";
import { useLive } from "../../live/live.ts";
import { withPoint } from "../../live/live-data.ts";
import { rangeOf, rateLines } from "../overview/series.ts";
import styles from "./queue-charts.module.css";

const DAYS = 90;
const DAY = 86_400_000;
/** Beside `from` and `to` of the other chart, which shows minutes. */
const DAY_NAMES = ["first", "last"] as const;
/** Of the address: what the charts of the page show. */
export const CHART_PARAMS = ["from", "to", ...DAY_NAMES];
const dateOf = (ms: number) => day(new Date(ms).toISOString().slice(0, 10));

export interface QueueChartsProps {
  readonly row: QueueRow;
  readonly detail: QueueDetail | undefined;
}

/** How it goes now, and how it went. */
export function QueueCharts({ row, detail }: QueueChartsProps) {
  const phone = usePhone();
  const charts = (
    <div className={styles["charts"]}>
      <Rates row={row} detail={detail} />
      <Days row={row} />
    </div>
  );
  if (!phone) return charts;
  return (
    <details className={styles["folded"]}>
      <summary>
        {rate(row.inRate)} in, {rate(row.outRate)} out per second
      </summary>
      {charts}
    </details>
  );
}

function Rates({ row, detail }: QueueChartsProps) {
  const now = useLive(({ data }) => data?.now ?? 0);
  const series = useSeries(row, detail, now);
  const lines = useMemo(() => rateLines(series), [series]);
  const { zoom: asked, zoomTo, clear } = useZoom();
  const whole = rangeOf(series, now);
  const zoom = within(asked, whole);
  return (
    <Section title="In and out per second" aside={<ZoomButton zoom={zoom} clear={clear} />}>
      <Chart
        label="Tasks that came in and that left, per second"
        height={112}
        at={lines.at}
        range={zoom ?? whole}
        onZoom={zoomTo}
        format={rate}
        lines={[
          { label: "in", color: "--line-in", values: lines.inRate },
          { label: "out", color: "--line-out", values: lines.outRate },
        ]}
      />
    </Section>
  );
}

/** What was known before this page was opened, and what the live rows have told since. */
function useSeries(row: QueueRow, detail: QueueDetail | undefined, now: number): readonly RatePoint[] {
  const [series, setSeries] = useState<readonly RatePoint[]>([]);
  const before = detail?.series;
  useEffect(() => {
    if (before !== undefined) setSeries(before);
  }, [before]);
  const { inRate, outRate, failureRate } = row;
  useEffect(() => {
    if (inRate === null || outRate === null || failureRate === null) return;
    setSeries((known) => withPoint(known, { at: now, inRate, outRate, failureRate }, now));
  }, [now, inRate, outRate, failureRate]);
  return series;
}

function Days({ row: { queue, processedToday, failedToday } }: { readonly row: QueueRow }) {
  const { data } = useApi(
    "GET /api/queues/{queue}/history",
    { params: { queue }, query: { days: DAYS } },
    { every: 60_000 },
  );
  const days = useMemo(() => {
    const [today, ...before] = data?.days ?? [];
    // Today goes on: what it has come to is known by the second.
    const all =
      today === undefined ? [] : [{ ...today, processed: processedToday, failed: failedToday }, ...before];
    return all.toReversed();
  }, [data, processedToday, failedToday]);
  const at = useMemo(() => days.map(({ date }) => Date.parse(`${date}T12:00:00Z`)), [days]);
  const [first, last] = [at[0], at.at(-1)];
  const yesterday = days.at(-2);
  const { zoom: asked, zoomTo, clear } = useZoom(DAY_NAMES);
  const whole =
    first === undefined || last === undefined
      ? undefined
      : ([first - DAY / 2, last + DAY / 2 - 60_000] as const);
  const zoom = whole === undefined ? null : within(asked, whole);
  const shown = zoom ?? whole;
  return (
    <Section
      title={`Attempts per day, ${DAYS} days`}
      aside={
        zoom !== null ? (
          <ZoomButton zoom={zoom} clear={clear} format={dateOf} />
        ) : (
          yesterday !== undefined &&
          `today ${exactCount(processedToday)} (${share(failedToday, processedToday)} failed), yesterday ${exactCount(
            yesterday.processed,
          )} (${share(yesterday.failed, yesterday.processed)})`
        )
      }
    >
      <Chart
        label="Attempts that ended on each of the last days, and those that failed"
        height={112}
        at={at}
        days
        {...(shown !== undefined && { range: shown })}
        onZoom={zoomTo}
        lines={[
          {
            label: "processed",
            color: "--line-strong",
            look: "bars",
            values: days.map((each) => each.processed),
          },
          { label: "failed", color: "--bad", look: "bars", values: days.map((each) => each.failed) },
        ]}
      />
    </Section>
  );
}
