import { useEffect, useMemo } from "react";
import { Chart } from "../../components/chart.tsx";
import { EmptyState, Skeleton } from "../../components/empty-state.tsx";
import { Section } from "../../components/page.tsx";
import { Table } from "../../components/table.tsx";
import { useZoom, ZoomButton } from "../../components/zoom.tsx";
import { within } from "../../components/zoom-range.ts";
import { exactCount, plural, rate, share, shortCount } from "../../format/numbers.ts";
import { duration } from "../../format/times.ts";
import { useEngineAway, useLive, useNow } from "../../live/live.ts";
import type { LiveOverview } from "../../live/live-data.ts";
import { Link } from "../../routing/router.tsx";
import { QUEUE_COLUMNS, queueKey, queueLink, queueOnPhone } from "../queues/queue-columns.tsx";
import { byAttention } from "./attention.ts";
import { type Figure, Figures } from "./figures.tsx";
import { HealthLine } from "./health-line.tsx";
import styles from "./overview-page.module.css";
import { failuresPerMinute, rangeOf, rateLines, wholeMinutes } from "./series.ts";

/** More are for the page of queues. */
const MOST_QUEUES = 25;

/** Is it well? If not: which queue, and why. */
export function OverviewPage() {
  const overview = useLive(({ data }) => data?.overview ?? null);
  // Then the frame says so, on every page.
  const away = useEngineAway();
  const sentence = overview?.health.sentence;
  useEffect(() => {
    document.title = sentence === undefined ? "TitanQueue" : `${sentence} · TitanQueue`;
  }, [sentence]);
  if (overview === null) return <Skeleton rows={14} />;
  const isEmpty = overview.queues.size === 0 && overview.health.status !== "bad";
  return (
    <div className={styles["page"]}>
      {isEmpty ? (
        <EmptyState title="Nothing was enqueued yet." command="npx titanqueue init">
          As soon as a client enqueues a task, its queue shows up here. This writes a small project to begin
          with:
        </EmptyState>
      ) : (
        <>
          {!away && <HealthLine health={overview.health} />}
          <Numbers overview={overview} />
          <Charts overview={overview} />
          <Queues overview={overview} />
        </>
      )}
    </div>
  );
}

function Numbers({ overview }: { readonly overview: LiveOverview }) {
  const now = useNow();
  return <Figures figures={figuresOf(overview, now)} />;
}

function figuresOf({ totals, series, queues }: LiveOverview, now: number): readonly Figure[] {
  const last = series.at(-1);
  const pending = [...queues.values()].reduce((all, row) => all + row.pending, 0);
  const { slots, slotsBusy, oldestAt, processedToday, failedToday, processedYesterday, failedYesterday } =
    totals;
  return [
    { label: "In per second", value: rate(last?.inRate) },
    { label: "Out per second", value: rate(last?.outRate) },
    { label: "Waiting", value: shortCount(pending), title: exactCount(pending) },
    { label: "Oldest waiting", value: oldestAt === null ? duration(null) : duration(now - oldestAt) },
    {
      label: "Slots busy",
      value:
        slots === null || slots === 0 ? shortCount(null) : `${shortCount(slotsBusy)} of ${shortCount(slots)}`,
      beside: slots === null ? undefined : slots === 0 ? "no server" : share(slotsBusy ?? 0, slots),
    },
    {
      label: "Processed today",
      value: shortCount(processedToday),
      title: `${exactCount(processedToday)} since midnight UTC`,
      beside: processedYesterday === null ? undefined : `yesterday ${shortCount(processedYesterday)}`,
    },
    {
      label: "Failed today",
      value: share(failedToday, processedToday),
      title: plural(failedToday, "failed attempt"),
      beside:
        failedYesterday === null || !processedYesterday
          ? failedToday > 0 && shortCount(failedToday)
          : `yesterday ${share(failedYesterday, processedYesterday)}`,
    },
  ];
}

function Charts({ overview: { series } }: { readonly overview: LiveOverview }) {
  const now = useLive(({ data }) => data?.now ?? 0);
  const { zoom: asked, zoomTo, clear } = useZoom();
  const whole = useMemo(() => rangeOf(series, now), [series, now]);
  const zoom = within(asked, whole);
  const range = zoom ?? whole;
  const lines = useMemo(() => rateLines(series), [series]);
  const bars = useMemo(() => failuresPerMinute(series, whole), [series, whole]);
  return (
    <div className={styles["charts"]}>
      <Section title="In and out per second" aside={<ZoomButton zoom={zoom} clear={clear} />}>
        <Chart
          label="Tasks that came in and that left, per second"
          at={lines.at}
          range={range}
          format={rate}
          sync="overview"
          onZoom={zoomTo}
          lines={[
            { label: "in", color: "--line-in", values: lines.inRate },
            { label: "out", color: "--line-out", values: lines.outRate },
          ]}
        />
      </Section>
      <Section title="Failures per minute">
        <Chart
          label="Failed attempts per minute"
          at={bars.at}
          range={zoom ?? wholeMinutes(whole)}
          onZoom={zoomTo}
          lines={[{ label: "failed", color: "--bad", look: "bars", values: bars.failures }]}
        />
      </Section>
    </div>
  );
}

function Queues({ overview: { queues, health } }: { readonly overview: LiveOverview }) {
  const rows = useMemo(
    () => [...queues.values()].sort(byAttention(health)).slice(0, MOST_QUEUES),
    [queues, health],
  );
  return (
    <Section
      title="Queues"
      aside={queues.size > rows.length && <Link to="/queues">All {exactCount(queues.size)} queues</Link>}
    >
      <Table
        label="Queues"
        rows={rows}
        columns={QUEUE_COLUMNS}
        keyOf={queueKey}
        to={queueLink}
        phone={queueOnPhone}
      />
    </Section>
  );
}
