import { ChevronLeft, ChevronRight, Columns3, Plus } from "lucide-react";
import { useCallback, useMemo, useState } from "react";
import { useMay } from "../../api/session.tsx";
import type { SearchPage, TaskRow, TaskState } from "../../api/types.ts";
import { useApi } from "../../api/use-api.ts";
import { Banner } from "../../components/banner.tsx";
import { Button } from "../../components/button.tsx";
import { useCalmRows } from "../../components/calm-rows.ts";
import { EmptyState, ErrorState, Skeleton } from "../../components/empty-state.tsx";
import { FilterBox } from "../../components/filter-box.tsx";
import { Menu } from "../../components/menu.tsx";
import { NewRows } from "../../components/new-rows.tsx";
import { Page } from "../../components/page.tsx";
import { readPage } from "../../components/pager.tsx";
import { useSelection } from "../../components/selection.ts";
import { StateIcon } from "../../components/state-badge.tsx";
import { STATE_WORDS, STATES } from "../../components/states.ts";
import { Table } from "../../components/table.tsx";
import { Tabs } from "../../components/tabs.tsx";
import { TASK_COLUMNS, taskColumns, taskKey, taskLink, taskOnPhone } from "../../components/task-columns.tsx";
import { TaskSelectionBar } from "../../components/task-selection-bar.tsx";
import { Count } from "../../components/values.tsx";
import { fieldOf, withField } from "../../filter/filter-text.ts";
import { type KnownValues, payloadPaths } from "../../filter/suggestions.ts";
import { exactCount, plural } from "../../format/numbers.ts";
import { useKeys } from "../../keys/use-keys.ts";
import { useEngineAway, useLive } from "../../live/live.ts";
import { withSearch } from "../../routing/location.ts";
import { navigate, useSearch } from "../../routing/router.tsx";
import { previousCursor, rememberCursor } from "./cursor-trail.ts";
import styles from "./tasks-page.module.css";
import { ViewsMenu } from "./views-menu.tsx";

const PAGE_SIZE = 100;
/** A search that goes through more is not repeated by itself. */
const CHEAP = 5_000;

/** Tasks of all queues: found, chosen, changed. */
export default function TasksPage() {
  const [search, change] = useSearch();
  const filter = search.get("filter") ?? "";
  const cursor = search.get("cursor");
  const state = STATES.find((each) => each === fieldOf(filter, "state")) ?? null;
  const [isCheap, setCheap] = useState(true);
  const query = { filter, limit: PAGE_SIZE, ...(cursor !== null && { cursor }) };
  const { data, error, refetch, isPlaceholderData, isFetching } = useApi(
    "GET /api/tasks",
    { query },
    { every: isCheap ? 5_000 : 0 },
  );
  const cheap = data === undefined || data.scanned <= CHEAP;
  if (cheap !== isCheap) setCheap(cheap);

  const isInvalid = error?.code === "FILTER_INVALID";
  const shown = isInvalid ? undefined : data;
  const known = useKnownValues(data);
  const setFilter = useCallback(
    (next: string) => change({ filter: next, cursor: null, page: null, select: null }),
    [change],
  );
  const operate = useMay("operate");
  return (
    <Page
      title="Tasks"
      actions={
        <>
          <ViewsMenu
            filter={filter}
            columns={search.get("columns")}
            onView={(view) => navigate(withSearch("/tasks", { filter: view.filter, columns: view.columns }))}
          />
          <ColumnsMenu state={state} />
          <Button may={operate} icon={<Plus size={14} />} hotkey="n" onClick={() => navigate("/enqueue")}>
            Enqueue
          </Button>
        </>
      }
    >
      <FilterBox filter={filter} onFilter={setFilter} known={known} error={isInvalid ? error.facts : null} />
      <div className={styles["list"]}>
        <StateTabs filter={filter} state={state} />
        {shown === undefined ? (
          isInvalid ? null : error === null ? (
            <Skeleton rows={12} />
          ) : (
            <ErrorState what="the tasks" error={error} retry={() => void refetch()} />
          )
        ) : (
          <>
            {error !== null && (
              <Banner tone="warning">These tasks are as of a while ago: {error.message}</Banner>
            )}
            <Found
              key={JSON.stringify([filter, cursor])}
              data={shown}
              isOld={isPlaceholderData}
              isFetching={isFetching}
              filter={filter}
              state={state}
              onRefresh={cheap ? undefined : () => void refetch()}
            />
          </>
        )}
      </div>
    </Page>
  );
}

interface FoundProps {
  readonly data: SearchPage;
  /** Of the search before this one: this one is on its way. */
  readonly isOld: boolean;
  readonly isFetching: boolean;
  readonly filter: string;
  readonly state: TaskState | null;
  readonly onRefresh: (() => void) | undefined;
}

function Found({ data, isOld, isFetching, filter, state, onRefresh }: FoundProps) {
  const [search, change] = useSearch();
  const selection = useSelection();
  const [cursorRow, setCursorRow] = useState<TaskRow | null>(null);
  const columns = useColumns(state);
  const scope = JSON.stringify([filter, search.get("cursor")]);
  const calm = useCalmRows(isOld ? undefined : data.tasks, taskKey, scope);
  const rows = isOld ? data.tasks : calm.rows;
  const fading = useCallback((task: TaskRow) => isOld || calm.gone.has(taskKey(task)), [isOld, calm.gone]);
  const isAll = search.get("select") === "all";
  const matching = useMemo(
    () => ({ filter, of: filter === "" ? "all tasks of all queues" : `all that match ${filter}` }),
    [filter],
  );
  return (
    <div className={styles["found"]}>
      <div className={styles["line"]} aria-live="polite">
        <span className="muted">
          {isOld || (isFetching && rows.length === 0) ? (
            "Searching…"
          ) : (
            <Scanned data={data} count={rows.length} />
          )}
        </span>
        {onRefresh !== undefined && (
          <Button look="quiet" busy={isFetching} onClick={onRefresh}>
            Search again
          </Button>
        )}
        <span className="spacer" />
        <NewRows calm={calm} />
      </div>
      <Table
        label="Tasks"
        rows={rows}
        columns={columns}
        keyOf={taskKey}
        to={taskLink}
        phone={taskOnPhone}
        selection={selection}
        isFading={fading}
        onCursor={setCursorRow}
        empty={<NoTasks filter={filter} hasMore={data.cursor !== null} />}
      />
      <CursorPager data={data} count={rows.length} />
      <TaskSelectionBar
        rows={rows}
        selection={selection}
        cursor={cursorRow}
        matching={matching}
        isAll={isAll}
        onAll={(all) => change({ select: all ? "all" : null }, { replace: true })}
      />
    </div>
  );
}

/** How much of what there is was looked at. */
function Scanned({ data, count }: { readonly data: SearchPage; readonly count: number }) {
  const { scanned, total, cursor } = data;
  if (cursor === null && count === total) return plural(total, "task");
  const looked = `looked at ${exactCount(scanned)} of ${exactCount(total)}`;
  if (cursor === null) return `${plural(count, "task")}, ${looked}`;
  return `${plural(count, "task")}, ${looked}`;
}

function NoTasks({ filter, hasMore }: { readonly filter: string; readonly hasMore: boolean }) {
  if (hasMore) return <EmptyState title="Nothing here matches. The search goes on on the next page." />;
  if (filter === "") {
    return (
      <EmptyState
        title="There are no tasks."
        command={`titanqueue task enqueue -t email:welcome -l '{"userId":42}'`}
      >
        Completed tasks are kept only where they have a retention.
      </EmptyState>
    );
  }
  return (
    <EmptyState title="No task matches.">
      Completed tasks are found only while they are kept, and an id only as a whole: write id:abc* for a part.
    </EmptyState>
  );
}

function CursorPager({ data, count }: { readonly data: SearchPage; readonly count: number }) {
  const [search, change] = useSearch();
  const page = readPage(search.get("page"));
  const cursor = search.get("cursor");
  const { cursor: next } = data;
  const forward = () => {
    if (next === null) return;
    rememberCursor(next, cursor);
    change({ cursor: next, page: page + 1 });
    window.scrollTo(0, 0);
  };
  const back = () => {
    if (cursor === null) return;
    const before = previousCursor(cursor);
    change({ cursor: before, page: before === null || page <= 2 ? null : page - 1 });
    window.scrollTo(0, 0);
  };
  const isNeeded = cursor !== null || next !== null;
  useKeys(
    isNeeded
      ? [
          { keys: "]", label: "Next page", group: "List", run: forward },
          { keys: "[", label: "Page before", group: "List", run: back },
        ]
      : [],
  );
  if (!isNeeded) return null;
  return (
    <nav className={styles["pager"]} aria-label="Pages of the list">
      <span className="muted">
        Page {exactCount(page)}, {plural(count, "task")}
      </span>
      <Button
        icon={<ChevronLeft size={16} />}
        aria-label="Page before"
        title="Page before ([)"
        disabled={cursor === null}
        onClick={back}
      />
      <Button
        icon={<ChevronRight size={16} />}
        aria-label="Next page"
        title="Next page (])"
        disabled={next === null}
        onClick={forward}
      />
    </nav>
  );
}

/** One click for what is asked most. Counts are of all tasks, and shown while nothing else narrows them. */
function StateTabs({ filter, state }: { readonly filter: string; readonly state: TaskState | null }) {
  const [search] = useSearch();
  const queues = useLive(({ data }) => data?.overview?.queues);
  const away = useEngineAway();
  const rest = withField(filter, "state", null);
  const queue = fieldOf(rest, "queue");
  const isPlain =
    rest === "" || (queue !== null && withField(rest, "queue", null) === "" && !queue.includes("*"));
  const counts = useMemo(() => {
    const isUnknown = queues === undefined || (away && queues.size === 0);
    if (isUnknown || !isPlain) return null;
    const rows = [...queues.values()].filter((row) => queue === null || row.queue === queue);
    return Object.fromEntries(STATES.map((each) => [each, rows.reduce((sum, row) => sum + row[each], 0)]));
  }, [queues, away, isPlain, queue]);
  const to = (each: TaskState | null) =>
    withSearch("/tasks", { filter: withField(filter, "state", each), columns: search.get("columns") });
  return (
    <Tabs
      label="Tasks by state"
      current={state ?? "all"}
      tabs={[
        { id: "all", label: "All", to: to(null) },
        ...STATES.map((each) => ({
          id: each,
          to: to(each),
          label: (
            <>
              <StateIcon state={each} />
              {STATE_WORDS[each]}
              {counts !== null && <Count value={counts[each]} className={styles["count"] ?? ""} />}
            </>
          ),
        })),
      ]}
    />
  );
}

function useColumns(state: TaskState | null) {
  const [search] = useSearch();
  const wanted = search.get("columns");
  return useMemo(() => {
    if (wanted === null) return taskColumns(state, { withQueue: true });
    const ids = wanted.split(",");
    return TASK_COLUMNS.filter(({ id, main }) => main || ids.includes(id));
  }, [wanted, state]);
}

function ColumnsMenu({ state }: { readonly state: TaskState | null }) {
  const [search, change] = useSearch();
  const columns = useColumns(state);
  const shown = new Set(columns.map(({ id }) => id));
  const toggle = (id: string) => {
    const next = TASK_COLUMNS.filter((column) => (column.id === id) !== shown.has(column.id));
    change({ columns: next.map((column) => column.id).join(",") }, { replace: true });
  };
  return (
    <Menu
      icon={<Columns3 size={14} />}
      label="Columns"
      title="Columns"
      items={[
        ...TASK_COLUMNS.filter(({ main }) => !main).map(({ id, header }) => ({
          label: header,
          checked: shown.has(id),
          toggles: true,
          run: () => toggle(id),
        })),
        ...(search.get("columns") === null
          ? []
          : [
              {
                label: "As they come",
                checked: false,
                run: () => change({ columns: null }, { replace: true }),
              },
            ]),
      ]}
    />
  );
}

/** What the box may suggest: queues that are known, and what the list has shown so far. */
function useKnownValues(data: SearchPage | undefined): KnownValues {
  const queues = useLive((live) => live.data?.overview?.queues);
  const [seen, setSeen] = useState<ReadonlySet<string>>(new Set());
  const news = data?.tasks.filter(({ type, damaged }) => !damaged && type !== "" && !seen.has(type)) ?? [];
  if (news.length > 0) setSeen(new Set([...seen, ...news.map(({ type }) => type)]));
  const tasks = data?.tasks;
  const names = queues === undefined ? "" : JSON.stringify([...queues.keys()]);
  return useMemo(
    () => ({
      queues: names === "" ? [] : (JSON.parse(names) as string[]),
      types: [...seen].toSorted(),
      paths: payloadPaths((tasks ?? []).map(({ preview }) => preview)),
    }),
    [names, seen, tasks],
  );
}
