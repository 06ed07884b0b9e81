import { TriangleAlert } from "lucide-react";
import type { TaskRow, TaskState } from "../api/types.ts";
import { link } from "../routing/location.ts";
import { StateBadge, StateIcon } from "./state-badge.tsx";
import type { Column } from "./table.tsx";
import styles from "./task-columns.module.css";
import { Bytes, RelativeTime } from "./values.tsx";

export const taskKey = ({ queue, id }: TaskRow) => `${queue}/${id}`;
export const taskLink = ({ queue, id }: TaskRow) => link`/queues/${queue}/tasks/${id}`;

/** Columns of a table of tasks: those of one state, or of several. */
export function taskColumns(state: TaskState | null, { withQueue = false } = {}): readonly Column<TaskRow>[] {
  return [
    TYPE,
    ID,
    ...(state === null ? [STATE] : []),
    ...(withQueue ? [QUEUE] : []),
    ...(state === null ? [DETAIL, WHEN] : COLUMNS_OF_STATE[state]),
  ];
}

const TYPE: Column<TaskRow> = {
  id: "type",
  header: "Type",
  width: "minmax(120px, 1.1fr)",
  main: true,
  cell: ({ type, damaged, orphaned }) =>
    damaged ? (
      <span className="bad" title="Its message is missing or unreadable.">
        <TriangleAlert size={12} aria-hidden className={styles["mark"]} /> unreadable
      </span>
    ) : (
      <span title={type}>
        {type}
        {orphaned && (
          <span className={styles["orphaned"]} title="Its lease has run out: its server is gone.">
            orphaned
          </span>
        )}
      </span>
    ),
};

const ID: Column<TaskRow> = {
  id: "id",
  header: "Id",
  width: "minmax(80px, 100px)",
  from: 560,
  cell: ({ id }) => (
    <span className="mono muted" title={id}>
      {shortId(id)}
    </span>
  ),
};

/** Ids that begin with the time differ at their end. */
function shortId(id: string): string {
  return id.length > 16 ? `${id.slice(0, 8)}…${id.slice(-4)}` : id;
}

const STATE: Column<TaskRow> = {
  id: "state",
  header: "State",
  width: "102px",
  cell: ({ state, orphaned }) => <StateBadge state={state} orphaned={orphaned} />,
};

const QUEUE: Column<TaskRow> = {
  id: "queue",
  header: "Queue",
  width: "minmax(70px, 110px)",
  from: 700,
  cell: ({ queue }) => <span title={queue}>{queue}</span>,
};

const PAYLOAD: Column<TaskRow> = {
  id: "payload",
  header: "Payload",
  width: "minmax(100px, 2.4fr)",
  from: 480,
  cell: ({ preview }) => (
    <span className="mono muted" title={preview ?? undefined}>
      {preview ?? ""}
    </span>
  ),
};

const ERROR: Column<TaskRow> = {
  id: "error",
  header: "Error",
  width: "minmax(100px, 2.4fr)",
  from: 480,
  cell: ({ lastError }) => <span title={lastError ?? undefined}>{lastError ?? ""}</span>,
};

/** What there is to say of a task, whatever its state: its error, or else its payload. */
const DETAIL: Column<TaskRow> = {
  id: "detail",
  header: "Error or payload",
  width: "minmax(100px, 2.4fr)",
  from: 480,
  cell: (row) => (row.lastError !== null && row.state !== "completed" ? ERROR.cell(row) : PAYLOAD.cell(row)),
};

const ATTEMPTS: Column<TaskRow> = {
  id: "attempts",
  header: "Retried",
  title: "How often it was retried, of how often it may be",
  width: "64px",
  align: "right",
  from: 620,
  cell: ({ retried, maxRetry }) => (
    <span className={retried === 0 ? "faint" : undefined}>
      {retried} of {maxRetry}
    </span>
  ),
};

function time(id: string, header: string, at: (row: TaskRow) => number | null): Column<TaskRow> {
  return { id, header, width: "76px", align: "right", cell: (row) => <RelativeTime at={at(row)} /> };
}

const RUNS = time("next", "Runs", ({ nextProcessAt }) => nextProcessAt);
const FAILED = time("failed", "Failed", ({ lastFailedAt }) => lastFailedAt);

/** The instant that matters for its state. */
function whenOf({ state, nextProcessAt, completedAt, lastFailedAt }: TaskRow): number | null {
  if (state === "scheduled" || state === "retry") return nextProcessAt;
  if (state === "completed") return completedAt;
  return state === "archived" ? lastFailedAt : null;
}

const WHEN: Column<TaskRow> = {
  ...time("when", "When", whenOf),
  title: "When it runs, has ended or has failed",
};

const GROUP: Column<TaskRow> = {
  id: "group",
  header: "Group",
  width: "minmax(80px, 140px)",
  cell: ({ group }) => <span title={group ?? undefined}>{group}</span>,
};

const SIZE: Column<TaskRow> = {
  id: "size",
  header: "Size",
  title: "Of its payload",
  width: "72px",
  align: "right",
  cell: ({ payloadBytes, damaged }) => <Bytes value={damaged ? null : payloadBytes} />,
};

const COMPLETED = time("completed", "Completed", ({ completedAt }) => completedAt);

/** All there are, to choose from. */
export const TASK_COLUMNS: readonly Column<TaskRow>[] = [
  TYPE,
  ID,
  STATE,
  QUEUE,
  GROUP,
  DETAIL,
  WHEN,
  PAYLOAD,
  ERROR,
  ATTEMPTS,
  RUNS,
  FAILED,
  COMPLETED,
  SIZE,
];

const COLUMNS_OF_STATE: Readonly<Record<TaskState, readonly Column<TaskRow>[]>> = {
  active: [PAYLOAD, ATTEMPTS],
  pending: [PAYLOAD, ATTEMPTS],
  scheduled: [PAYLOAD, RUNS],
  retry: [ERROR, ATTEMPTS, FAILED, RUNS],
  archived: [ERROR, ATTEMPTS, FAILED],
  completed: [PAYLOAD, COMPLETED],
  aggregating: [GROUP, PAYLOAD],
};

/** A task in two lines, for a phone. */
export function taskOnPhone(row: TaskRow) {
  const { type, id, queue, state, damaged, lastError, preview } = row;
  const at = whenOf(row);
  return (
    <>
      <span className="row">
        <StateIcon state={state} />
        <span className="medium ellipsis">{damaged ? "unreadable" : type}</span>
        <span className="spacer" />
        {at !== null && (
          <span className="muted small">
            <RelativeTime at={at} />
          </span>
        )}
      </span>
      <span className="small muted ellipsis">
        {queue} · {lastError ?? <span className="mono">{preview ?? id}</span>}
      </span>
    </>
  );
}
