import { CirclePause } from "lucide-react";
import type { QueueRow, TaskState } from "../../api/types.ts";
import { classes } from "../../components/classes.ts";
import { byNumber, byText } from "../../components/stable-order.ts";
import { StateIcon } from "../../components/state-badge.tsx";
import { STATE_MEANINGS, STATE_WORDS, STATES } from "../../components/states.ts";
import type { Column } from "../../components/table.tsx";
import { Age, Count, Rate } from "../../components/values.tsx";
import { DASH } from "../../format/numbers.ts";
import { duration } from "../../format/times.ts";
import { useNow } from "../../live/live.ts";
import { link } from "../../routing/location.ts";
import styles from "./queue-columns.module.css";

export const queueKey = ({ queue }: QueueRow) => queue;
export const queueLink = ({ queue }: QueueRow) => link`/queues/${queue}`;

/** A count of tasks in one state; red is for what has failed for good. */
function counted(state: TaskState, header: string, width: string, from?: number): Column<QueueRow> {
  return {
    id: state,
    header,
    title: `${STATE_WORDS[state]}. ${STATE_MEANINGS[state]}`,
    width,
    align: "right",
    largestFirst: true,
    compare: byNumber((row) => row[state]),
    cell: (row) => (
      <Count
        value={row[state]}
        {...(row[state] > 0 && (state === "archived" || state === "retry") && { className: styles[state] })}
      />
    ),
    ...(from !== undefined && { from }),
  };
}

export const QUEUE_COLUMNS: readonly Column<QueueRow>[] = [
  {
    id: "queue",
    header: "Queue",
    width: "minmax(120px, 1fr)",
    main: true,
    compare: byText(queueKey),
    cell: (row) => <QueueName row={row} />,
  },
  {
    id: "priority",
    header: "Prio",
    title: "The highest priority that a live server gives it",
    width: "38px",
    align: "right",
    largestFirst: true,
    from: 720,
    compare: byNumber(({ priority }) => priority),
    cell: ({ priority, servers }) =>
      priority === null ? (
        <span className="faint" title={servers === 0 ? "No live server serves it" : undefined}>
          {DASH}
        </span>
      ) : (
        priority
      ),
  },
  counted("pending", "Pending", "60px"),
  counted("active", "Active", "52px"),
  counted("scheduled", "Sched", "54px", 640),
  counted("retry", "Retry", "50px"),
  counted("archived", "Arch", "50px"),
  counted("completed", "Done", "54px", 840),
  {
    id: "oldest",
    header: "Oldest",
    title: "How long the oldest pending task has been waiting",
    width: "56px",
    align: "right",
    largestFirst: true,
    compare: byNumber(({ oldestAt }) => (oldestAt === null ? null : -oldestAt)),
    cell: ({ oldestAt }) => <Age since={oldestAt} />,
  },
  {
    id: "in",
    header: "In/s",
    title: "Tasks that came in per second, the last minute",
    width: "50px",
    align: "right",
    largestFirst: true,
    from: 630,
    compare: byNumber(({ inRate }) => inRate),
    cell: ({ inRate }) => <Rate value={inRate} />,
  },
  {
    id: "out",
    header: "Out/s",
    title: "Tasks that left the backlog per second, the last minute",
    width: "50px",
    align: "right",
    largestFirst: true,
    from: 630,
    compare: byNumber(({ outRate }) => outRate),
    cell: ({ outRate }) => <Rate value={outRate} />,
  },
  {
    id: "failures",
    header: "Fail/s",
    title: "Failed attempts per second, the last minute",
    width: "50px",
    align: "right",
    largestFirst: true,
    from: 900,
    compare: byNumber(({ failureRate }) => failureRate),
    cell: ({ failureRate }) => <Rate value={failureRate} />,
  },
  {
    id: "drains",
    header: "Drains in",
    title: "When nothing waits any more, if the rates stay as they are",
    width: "76px",
    align: "right",
    from: 600,
    compare: byNumber(({ drainsIn }) => (drainsIn === "never" ? Number.MAX_VALUE : drainsIn)),
    cell: (row) => <Drains row={row} />,
  },
];

function QueueName({ row: { queue, paused } }: { readonly row: QueueRow }) {
  return (
    <span className={styles["name"]}>
      <span className="ellipsis" title={queue}>
        {queue}
      </span>
      {paused && (
        <span className={styles["paused"]} title="Paused: servers take no tasks from it">
          <CirclePause size={12} aria-hidden /> paused
        </span>
      )}
    </span>
  );
}

/** A backlog younger than this, in milliseconds, is none to worry about, whatever the rates of the moment. */
const YOUNG = 60_000;

/** When a queue is empty, if all stays as it is; or why there is no telling. */
export function Drains({
  row: { drainsIn, paused, servers, pending, oldestAt },
}: {
  readonly row: QueueRow;
}) {
  const now = useNow();
  if (paused) return <span className="warning">paused</span>;
  if (servers === 0 && pending > 0) return <span className="bad">no server</span>;
  if (drainsIn === "never") {
    const isOld = oldestAt !== null && now - oldestAt > YOUNG;
    return <span className={isOld ? "warning" : "muted"}>never</span>;
  }
  if (drainsIn === null) return <span className="faint">{DASH}</span>;
  return <span>{duration(drainsIn)}</span>;
}

/** A queue in two lines, for a phone. */
export function queueOnPhone(row: QueueRow) {
  const states = STATES.filter((state) => row[state] > 0 && state !== "completed");
  return (
    <>
      <span className="row">
        <span className={classes("medium", styles["name"])}>
          <QueueName row={row} />
        </span>
        <span className="spacer" />
        {row.pending > 0 && (
          <span className="muted small">
            {row.paused || row.servers === 0 ? <Drains row={row} /> : "oldest"} <Age since={row.oldestAt} />
          </span>
        )}
      </span>
      <span className={classes(styles["states"], "small muted")}>
        {states.length === 0 && "empty"}
        {states.map((state) => (
          <span key={state} className={styles["state"]} title={STATE_WORDS[state]}>
            <StateIcon state={state} size={9} />
            <Count value={row[state]} />
            <span className="hidden">{STATE_WORDS[state]}</span>
          </span>
        ))}
      </span>
    </>
  );
}
