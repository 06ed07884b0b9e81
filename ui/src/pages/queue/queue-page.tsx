import { CirclePause, CirclePlay, Ellipsis, Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import { useMay } from "../../api/session.tsx";
import type { QueueDetail, QueueRow, TaskState } from "../../api/types.ts";
import { useApi } from "../../api/use-api.ts";
import { Button } from "../../components/button.tsx";
import { classes } from "../../components/classes.ts";
import { EmptyState, ErrorState, Skeleton } from "../../components/empty-state.tsx";
import { Menu } from "../../components/menu.tsx";
import { Page } from "../../components/page.tsx";
import { StateIcon } from "../../components/state-badge.tsx";
import { STATE_WORDS, STATES } from "../../components/states.ts";
import { Tabs } from "../../components/tabs.tsx";
import { Age, Bytes, Count } from "../../components/values.tsx";
import { plural } from "../../format/numbers.ts";
import { useKeys } from "../../keys/use-keys.ts";
import { useLive } from "../../live/live.ts";
import { link, type PageParams, withSearch } from "../../routing/location.ts";
import { Link, navigate, useSearch } from "../../routing/router.tsx";
import { Drains } from "../queues/queue-columns.tsx";
import { deleteQueue, pauseQueue, resumeQueue } from "./queue-actions.tsx";
import { CHART_PARAMS, QueueCharts } from "./queue-charts.tsx";
import styles from "./queue-page.module.css";
import { QueueTasks } from "./queue-tasks.tsx";

/** One queue: whether it moves, who serves it, and what is in it. */
export default function QueuePage({ params: { queue = "" } }: PageParams) {
  const { data, error, refetch } = useApi(
    "GET /api/queues/{queue}",
    { params: { queue } },
    { every: 10_000, keep: false },
  );
  const live = useLive(({ data: known }) => known?.overview?.queues.get(queue));
  const row = live ?? data?.row;
  if (row === undefined) {
    return (
      <Page title={queue}>
        {error === null ? (
          <Skeleton rows={12} />
        ) : error.isGone ? (
          <EmptyState title="There is no such queue." action={<Link to="/queues">All queues</Link>}>
            A queue is there from its first task on, until it is deleted.
          </EmptyState>
        ) : (
          <ErrorState what={`queue ${queue}`} error={error} retry={() => void refetch()} />
        )}
      </Page>
    );
  }
  return <QueueView row={row} detail={data} />;
}

function QueueView({ row, detail }: { readonly row: QueueRow; readonly detail: QueueDetail | undefined }) {
  const { queue, paused } = row;
  const operate = useMay("operate");
  const admin = useMay("admin");
  const [search] = useSearch();
  const [first] = useState(() => firstState(row));
  const state = STATES.find((each) => each === search.get("state")) ?? first;
  const toggle = () => (paused ? resumeQueue(queue) : pauseQueue(queue));
  // Charts go on showing what they show.
  const chartRange = Object.fromEntries(CHART_PARAMS.map((name) => [name, search.get(name)]));
  const tabTo = (each: TaskState) => withSearch(link`/queues/${queue}`, { state: each, ...chartRange });
  const step = (by: number) => {
    const next = STATES.at((STATES.indexOf(state) + by) % STATES.length);
    if (next !== undefined) navigate(tabTo(next), { replace: true });
  };
  useKeys([
    {
      keys: "p",
      label: paused ? "Resume the queue" : "Pause the queue",
      run: () => operate.allowed && toggle(),
    },
    { keys: "right", label: "Next state", run: () => step(1) },
    { keys: "left", label: "State before", run: () => step(-1) },
  ]);
  return (
    <Page
      title={queue}
      heading={
        <>
          <Link to="/queues" className={classes(styles["crumb"], "muted")}>
            Queues
          </Link>
          <span className="faint"> / </span>
          {queue}
        </>
      }
      facts={<QueueFacts row={row} detail={detail} />}
      actions={
        <>
          <Button
            may={operate}
            hotkey="p"
            icon={paused ? <CirclePlay size={14} /> : <CirclePause size={14} />}
            onClick={toggle}
          >
            {paused ? "Resume" : "Pause"}
          </Button>
          <Menu
            label="More to do"
            icon={<Ellipsis size={16} />}
            items={[
              {
                label: "Enqueue a task here",
                icon: <Plus size={14} />,
                may: operate,
                run: () => navigate(withSearch("/enqueue", { queue })),
              },
              {
                label: "Delete the queue",
                icon: <Trash2 size={14} />,
                danger: true,
                may: admin,
                run: () => void deleteQueue(row),
              },
            ]}
          />
        </>
      }
    >
      <QueueCharts row={row} detail={detail} />
      <div className={styles["tasks"]}>
        <Tabs
          label="Tasks by state"
          current={state}
          tabs={STATES.map((each) => ({
            id: each,
            to: tabTo(each),
            label: (
              <>
                <StateIcon state={each} />
                {STATE_WORDS[each]}
                <Count value={row[each]} className={styles["count"] ?? ""} />
              </>
            ),
          }))}
        />
        <QueueTasks key={state} row={row} state={state} />
      </div>
    </Page>
  );
}

function QueueFacts({ row, detail }: { readonly row: QueueRow; readonly detail: QueueDetail | undefined }) {
  const { paused, pending, oldestAt, servers, drainsIn } = row;
  return (
    <>
      {paused && (
        <span className={styles["paused"]}>
          <CirclePause size={14} aria-hidden /> Paused: servers take no tasks from it.
        </span>
      )}
      {pending > 0 && !paused && (
        <span>
          oldest <Age since={oldestAt} />
          {servers !== 0 && (
            <>
              , {drainsIn !== "never" && "drains in "}
              <Drains row={row} />
              {drainsIn === "never" && " drains"}
            </>
          )}
        </span>
      )}
      {servers === 0 ? (
        <span className={pending > 0 ? "bad" : undefined}>no server serves it</span>
      ) : (
        detail !== undefined && detail.servedBy.length > 0 && <ServedBy detail={detail} />
      )}
      {detail?.memoryBytes !== null && detail !== undefined && (
        <span title="What its tasks take in the engine, estimated">
          about <Bytes value={detail.memoryBytes} />
        </span>
      )}
    </>
  );
}

/** At most this many servers are named. */
const MOST_NAMED = 3;

function ServedBy({ detail: { servedBy } }: { readonly detail: QueueDetail }) {
  const all = servedBy.map(
    ({ host, pid, priority, strict }) => `${host}:${pid}, priority ${priority}${strict ? ", strict" : ""}`,
  );
  const priorities = [...new Set(servedBy.map(({ priority }) => priority))].sort((a, b) => b - a);
  return (
    <span title={all.join("\n")}>
      {servedBy.length > MOST_NAMED ? (
        <Link to="/servers" className={styles["quiet"]}>
          {plural(servedBy.length, "server")}
        </Link>
      ) : (
        servedBy.map(({ serverId, host, pid }, at) => (
          <span key={serverId}>
            {at > 0 && ", "}
            <Link to="/servers" className={styles["quiet"]}>
              {host}:{pid}
            </Link>
          </span>
        ))
      )}{" "}
      at priority {priorities.join(", ")}
    </span>
  );
}

/** Where somebody most likely wants to look: at what runs, or else at the first state that has anything. */
function firstState(row: QueueRow): TaskState {
  return STATES.find((state) => row[state] > 0) ?? "pending";
}
