import { Archive, Play, Trash2 } from "lucide-react";
import { useMemo, useState } from "react";
import { useMay } from "../../api/session.tsx";
import type { FailureGroup } from "../../api/types.ts";
import { useApi } from "../../api/use-api.ts";
import { BulkDialog } from "../../bulk/bulk-dialog.tsx";
import { ACTIONS, type BulkOrder } from "../../bulk/bulk-words.ts";
import { Banner } from "../../components/banner.tsx";
import { Button } from "../../components/button.tsx";
import { useCalmRows } from "../../components/calm-rows.ts";
import { EmptyState, ErrorState, Skeleton } from "../../components/empty-state.tsx";
import { Menu } from "../../components/menu.tsx";
import { NewRows } from "../../components/new-rows.tsx";
import { Page } from "../../components/page.tsx";
import { SearchField } from "../../components/search-field.tsx";
import { byNumber, byText, readSort, type Sort, writeSort } from "../../components/stable-order.ts";
import { Table } from "../../components/table.tsx";
import { exactCount, plural } from "../../format/numbers.ts";
import { useKeys } from "../../keys/use-keys.ts";
import { useLive } from "../../live/live.ts";
import { withSearch } from "../../routing/location.ts";
import { useSearch } from "../../routing/router.tsx";
import { FAILURE_COLUMNS, failureKey, failureOnPhone } from "./failure-columns.tsx";
import styles from "./failures-page.module.css";
import { GroupDialog } from "./group-dialog.tsx";

const FIRST: Sort = { column: "count", descending: true };
const SORTABLE = FAILURE_COLUMNS.filter(({ compare }) => compare !== undefined).map(({ id }) => id);

/** What goes wrong, the same things together. */
export default function FailuresPage() {
  const [search, change] = useSearch();
  const queue = search.get("queue") ?? "";
  const { data, error, refetch, isPlaceholderData } = useApi(
    "GET /api/failures",
    { query: { queue } },
    { every: 5_000 },
  );
  const calm = useCalmRows(isPlaceholderData ? undefined : data?.groups, failureKey, queue);
  const text = (search.get("text") ?? "").toLowerCase();
  const rows = useMemo(
    () =>
      calm.rows.filter(
        ({ type, message }) => type.toLowerCase().includes(text) || message.toLowerCase().includes(text),
      ),
    [calm.rows, text],
  );
  const [cursor, setCursor] = useState<FailureGroup | null>(null);
  const [order, setOrder] = useState<BulkOrder | null>(null);
  const operate = useMay("operate");
  const open = calm.rows.find(({ fingerprint }) => fingerprint === search.get("group"));
  const begin = (action: "run" | "archive" | "delete", group: FailureGroup) =>
    setOrder(orderFor(action, group, queue));
  const meant = open ?? cursor;
  const act = (action: "run" | "archive" | "delete") => () => {
    if (operate.allowed && meant !== null && meant !== undefined) begin(action, meant);
  };
  useKeys(
    operate.hidden
      ? []
      : [
          { keys: "r", label: "Run all of the group", group: "List", run: act("run") },
          { keys: "a", label: "Archive all of the group", group: "List", run: act("archive") },
          { keys: "d", label: "Delete all of the group", group: "List", run: act("delete") },
        ],
  );
  const to = useMemo(
    () =>
      ({ fingerprint }: FailureGroup) =>
        withSearch("/failures", { ...Object.fromEntries(search), group: fingerprint }),
    [search],
  );
  return (
    <Page
      title="Failures"
      facts={
        data !== undefined &&
        data.groups.length > 0 && (
          <>
            <span>
              {plural(data.groups.length, "group")} of {plural(data.total, "failed task")}
            </span>
            <NewRows calm={calm} />
          </>
        )
      }
      actions={
        <>
          <QueueMenu queue={queue} onQueue={(next) => change({ queue: next, group: null })} />
          <SearchField
            label="Show groups with"
            placeholder="Type or error"
            value={search.get("text") ?? ""}
            onChange={(next) => change({ text: next }, { replace: true })}
          />
        </>
      }
    >
      {error !== null && data !== undefined && (
        <Banner tone="warning">These failures are as of a while ago: {error.message}</Banner>
      )}
      {data !== undefined && data.scanned < data.total && (
        <Banner tone="info">
          These groups are of {exactCount(data.scanned)} of the {exactCount(data.total)} failed tasks. An
          action on a group goes through all of them.
        </Banner>
      )}
      {data === undefined ? (
        error === null ? (
          <Skeleton rows={10} />
        ) : (
          <ErrorState what="the failures" error={error} retry={() => void refetch()} />
        )
      ) : (
        <Table
          label="Groups of failures"
          rows={rows}
          columns={FAILURE_COLUMNS}
          keyOf={failureKey}
          to={to}
          phone={failureOnPhone}
          sort={readSort(search.get("sort"), SORTABLE, FIRST)}
          onSort={(sort) => change({ sort: writeSort(sort) }, { replace: true })}
          isFading={(group) => calm.gone.has(failureKey(group))}
          onCursor={setCursor}
          empty={
            text === "" ? (
              <EmptyState title="Nothing has failed.">
                Tasks in retry and archived tasks are shown here, those with the same error together.
              </EmptyState>
            ) : (
              <EmptyState title="No failure is like that." />
            )
          }
        />
      )}
      {open !== undefined && order === null && (
        <GroupDialog
          group={open}
          onClose={() => change({ group: null })}
          actions={
            <>
              <Button
                may={operate}
                look="danger"
                icon={<Trash2 size={14} />}
                onClick={() => begin("delete", open)}
              >
                Delete all…
              </Button>
              <span className="spacer" />
              <Button
                may={operate}
                icon={<Archive size={14} />}
                disabled={open.retry === 0}
                onClick={() => begin("archive", open)}
              >
                Archive all…
              </Button>
              <Button
                may={operate}
                look="primary"
                icon={<Play size={14} />}
                onClick={() => begin("run", open)}
              >
                Run all…
              </Button>
            </>
          }
        />
      )}
      {order !== null && (
        <BulkDialog
          order={order}
          onClose={() => {
            setOrder(null);
            if (search.get("group") !== null) change({ group: null });
          }}
        />
      )}
    </Page>
  );
}

function orderFor(action: "run" | "archive" | "delete", group: FailureGroup, queue: string): BulkOrder {
  const states = (["retry", "archived"] as const).filter((state) => ACTIONS[action].states.includes(state));
  return {
    action,
    // It finds these and perhaps a few more; the fingerprint decides.
    filter: group.filter,
    fingerprint: group.fingerprint,
    states,
    ...(queue !== "" && { queues: [queue] }),
    of: `all ${group.type || "tasks"} that failed with “${group.message.slice(0, 80)}”`,
  };
}

function QueueMenu({
  queue,
  onQueue,
}: {
  readonly queue: string;
  readonly onQueue: (queue: string | null) => void;
}) {
  const queues = useLive(({ data }) => data?.overview?.queues);
  const names = useMemo(
    () =>
      [...(queues?.values() ?? [])]
        .filter((row) => row.retry + row.archived > 0 || row.queue === queue)
        .toSorted(byNumber(({ retry, archived }) => -(retry + archived)))
        .slice(0, 30)
        .map((row) => row.queue)
        .toSorted(byText((name) => name)),
    [queues, queue],
  );
  if (names.length < 2 && queue === "") return null;
  return (
    <Menu
      title="Of which queue"
      items={[
        { label: "All queues", checked: queue === "", run: () => onQueue(null) },
        ...names.map((name) => ({
          label: <span className="ellipsis">{name}</span>,
          checked: name === queue,
          run: () => onQueue(name),
        })),
      ]}
    >
      <span className={styles["queue"]}>{queue === "" ? "All queues" : queue}</span>
    </Menu>
  );
}
