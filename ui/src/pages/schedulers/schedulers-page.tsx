import { CirclePause, Plus } from "lucide-react";
import { useMay } from "../../api/session.tsx";
import type { SchedulerEntry } from "../../api/types.ts";
import { useApi } from "../../api/use-api.ts";
import { Button } from "../../components/button.tsx";
import { EmptyState, ErrorState, Skeleton } from "../../components/empty-state.tsx";
import { Page } from "../../components/page.tsx";
import { byNumber, byText, readSort, writeSort } from "../../components/stable-order.ts";
import { type Column, Table } from "../../components/table.tsx";
import { RelativeTime } from "../../components/values.tsx";
import { DASH, plural } from "../../format/numbers.ts";
import { useNow } from "../../live/live.ts";
import { withSearch } from "../../routing/location.ts";
import { useSearch } from "../../routing/router.tsx";
import { Entry } from "./entry.tsx";
import { EntryForm } from "./entry-form.tsx";
import { Outcomes } from "./outcomes.tsx";
import styles from "./schedulers-page.module.css";

/** Periodic tasks: when they are due, and what became of the last ones. */
export default function SchedulersPage() {
  const { data, error, refetch } = useApi("GET /api/schedulers", {}, { every: 10_000 });
  const [search, change] = useSearch();
  const operate = useMay("operate");
  const chosen = search.get("entry");
  const entry = data?.entries.find(({ id }) => id === chosen);
  const form = search.get("form");
  return (
    <Page
      title="Schedulers"
      facts={data !== undefined && <span>{plural(data.entries.length, "entry", "entries")}</span>}
      actions={
        <Button may={operate} icon={<Plus size={14} />} onClick={() => change({ form: "new", entry: null })}>
          New entry
        </Button>
      }
    >
      {data !== undefined ? (
        <Entries entries={data.entries} />
      ) : error !== null ? (
        <ErrorState what="the schedulers" error={error} retry={() => void refetch()} />
      ) : (
        <Skeleton rows={10} />
      )}
      {entry !== undefined && form === null && (
        <Entry
          entry={entry}
          onEdit={() => change({ form: "edit" })}
          onClose={() => change({ entry: null })}
        />
      )}
      {(form === "new" || (form === "edit" && entry?.definition)) && (
        <EntryForm entry={form === "edit" ? entry : undefined} onClose={() => change({ form: null })} />
      )}
    </Page>
  );
}

const keyOf = ({ id }: SchedulerEntry) => id;
const linkTo = ({ id }: SchedulerEntry) => withSearch("/schedulers", { entry: id });

const COLUMNS: readonly Column<SchedulerEntry>[] = [
  {
    id: "type",
    header: "Type",
    width: "minmax(140px, 1.2fr)",
    main: true,
    compare: byText(({ type }) => type),
    cell: ({ type, paused }) => (
      <span className={styles["type"]}>
        <span className="ellipsis medium">{type}</span>
        {paused && <CirclePause size={14} className="muted" aria-label="paused" />}
      </span>
    ),
  },
  {
    id: "spec",
    header: "When",
    width: "minmax(150px, 1.4fr)",
    cell: ({ spec, words }) => (
      <span className="ellipsis" title={spec}>
        {words ?? <code>{spec}</code>}
      </span>
    ),
  },
  {
    id: "queue",
    header: "Queue",
    width: "minmax(80px, 0.8fr)",
    from: 800,
    compare: byText(({ queue }) => queue ?? ""),
    cell: ({ queue }) => <span className="ellipsis">{queue ?? DASH}</span>,
  },
  {
    id: "outcomes",
    header: "Last ones",
    title: "What became of the last 20 tasks, the oldest first",
    width: "220px",
    from: 900,
    cell: ({ id }) => (
      <span className={styles["type"]}>
        <Outcomes id={id} />
      </span>
    ),
  },
  {
    id: "previous",
    header: "Before",
    title: "When it was enqueued last",
    width: "84px",
    align: "right",
    from: 640,
    largestFirst: true,
    compare: byNumber(({ previous }) => previous),
    cell: ({ previous }) => <RelativeTime at={previous} />,
  },
  {
    id: "next",
    header: "Next",
    width: "84px",
    align: "right",
    compare: byNumber(({ next, nextRuns }) => next ?? nextRuns[0] ?? null),
    cell: (entry) => <Next entry={entry} />,
  },
];

function Next({ entry: { paused, schedulers, next, nextRuns } }: { readonly entry: SchedulerEntry }) {
  const now = useNow();
  if (paused) return <span className="muted">paused</span>;
  if (schedulers === 0) {
    return (
      <span className="bad" title="It is stored, and no scheduler runs that would see to it">
        nobody
      </span>
    );
  }
  // What schedulers wrote of a tick that has just passed is a few seconds old.
  return <RelativeTime at={nextRuns.find((at) => at > now) ?? next} />;
}

const phone = (entry: SchedulerEntry) => (
  <>
    <span className={styles["type"]}>
      <span className="medium ellipsis">{entry.type}</span>
      <span className="spacer" />
      <Next entry={entry} />
    </span>
    <span className="muted ellipsis">{entry.words ?? entry.spec}</span>
  </>
);

function Entries({ entries }: { readonly entries: readonly SchedulerEntry[] }) {
  const [search, change] = useSearch();
  const sort = readSort(
    search.get("sort"),
    COLUMNS.map(({ id }) => id),
    { column: "next", descending: false },
  );
  return (
    <Table
      label="Periodic tasks"
      rows={entries}
      columns={COLUMNS}
      keyOf={keyOf}
      to={linkTo}
      phone={phone}
      sort={sort}
      onSort={(next) => change({ sort: writeSort(next) }, { replace: true })}
      empty={
        <EmptyState
          title="No task is enqueued periodically."
          command={'npx titanqueue init   # await scheduler.register("0 9 * * *", new Task("report:daily"))'}
        >
          Entries show up here from a scheduler&apos;s start on. Those made here are kept in the engine, for
          all schedulers.
        </EmptyState>
      }
    />
  );
}
