import { useMemo, useState } from "react";
import type { QueueRow, TaskRow, TaskState } from "../../api/types.ts";
import { useApi } from "../../api/use-api.ts";
import { Banner } from "../../components/banner.tsx";
import { useCalmRows } from "../../components/calm-rows.ts";
import { EmptyState, ErrorState, Skeleton } from "../../components/empty-state.tsx";
import { NewRows } from "../../components/new-rows.tsx";
import { Pager, readPage } from "../../components/pager.tsx";
import { useSelection } from "../../components/selection.ts";
import { STATE_MEANINGS, STATE_WORDS } from "../../components/states.ts";
import { Table } from "../../components/table.tsx";
import { taskColumns, taskKey, taskLink, taskOnPhone } from "../../components/task-columns.tsx";
import { TaskSelectionBar } from "../../components/task-selection-bar.tsx";
import { useEngineAway } from "../../live/live.ts";
import { link, withSearch } from "../../routing/location.ts";
import { Link, useSearch } from "../../routing/router.tsx";
import { QueueGroups } from "./queue-groups.tsx";
import styles from "./queue-page.module.css";

const PAGE_SIZE = 50;

export interface QueueTasksProps {
  readonly row: QueueRow;
  readonly state: TaskState;
}

/** The tasks of a queue in one state. Those that aggregate are listed by group. */
export function QueueTasks(props: QueueTasksProps) {
  const [search] = useSearch();
  const group = search.get("group");
  if (props.state === "aggregating" && group === null) return <QueueGroups queue={props.row.queue} />;
  return <Tasks {...props} group={group} />;
}

function Tasks({ row: { queue }, state, group }: QueueTasksProps & { readonly group: string | null }) {
  const [search, change] = useSearch();
  const page = readPage(search.get("page"));
  const query = { state, page, page_size: PAGE_SIZE, ...(group !== null && { group }) };
  const { data, error, refetch, isPlaceholderData } = useApi(
    "GET /api/queues/{queue}/tasks",
    { params: { queue }, query },
    { every: 3_000 },
  );
  const columns = useMemo(() => taskColumns(state), [state]);
  const away = useEngineAway();
  const [cursor, setCursor] = useState<TaskRow | null>(null);
  const selection = useSelection();
  const all = search.get("select") === "all";
  const matching = useMemo(
    () => ({ filter: "", queues: [queue], states: [state], of: `all ${state} tasks of ${queue}` }),
    [queue, state],
  );
  const scope = JSON.stringify([queue, query]);
  const calm = useCalmRows(isPlaceholderData ? undefined : data?.tasks, taskKey, scope);
  if (data === undefined) {
    if (error === null) return <Skeleton rows={10} />;
    return <ErrorState what="the tasks" error={error} retry={() => void refetch()} />;
  }
  return (
    <>
      {error !== null && !away && (
        <Banner tone="warning">These tasks are as of a while ago: {error.message}</Banner>
      )}
      <div className={styles["bar"]}>
        {group === null ? (
          <Link to={withSearch("/tasks", { filter: `queue:${quoted(queue)} state:${state}` })}>
            Search in these
          </Link>
        ) : (
          <span className="ellipsis">
            <Link to={withSearch(link`/queues/${queue}`, { state })}>Groups</Link>
            <span className="faint"> / </span>
            {group}
          </span>
        )}
        <span className="spacer" />
        <NewRows calm={calm} />
      </div>
      <Table
        label={`${STATE_WORDS[state]} tasks`}
        rows={calm.rows}
        columns={columns}
        keyOf={taskKey}
        to={taskLink}
        phone={taskOnPhone}
        selection={selection}
        onCursor={setCursor}
        isFading={(task) => calm.gone.has(taskKey(task))}
        empty={<EmptyState title={`No ${state} tasks.`}>{STATE_MEANINGS[state]}</EmptyState>}
      />
      <TaskSelectionBar
        rows={calm.rows}
        selection={selection}
        cursor={cursor}
        {...(group === null &&
          state !== "active" && {
            isAll: all,
            matching,
            onAll: (chosen) => change({ select: chosen ? "all" : null }, { replace: true }),
          })}
      />
      <Pager
        page={page}
        pageSize={data.pageSize}
        count={calm.rows.length}
        total={data.total}
        onPage={(next) => change({ page: next === 1 ? null : next })}
      />
    </>
  );
}

/** As the filter language wants it. */
function quoted(name: string): string {
  return /^[\w.:/-]+$/.test(name) ? name : JSON.stringify(name);
}
