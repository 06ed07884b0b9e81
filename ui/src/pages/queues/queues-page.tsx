import { useMemo } from "react";
import { EmptyState, Skeleton } from "../../components/empty-state.tsx";
import { Page } from "../../components/page.tsx";
import { SearchField } from "../../components/search-field.tsx";
import { readSort, type Sort, writeSort } from "../../components/stable-order.ts";
import { Table } from "../../components/table.tsx";
import { exactCount, plural } from "../../format/numbers.ts";
import { useLive } from "../../live/live.ts";
import { useSearch } from "../../routing/router.tsx";
import { QUEUE_COLUMNS, queueKey, queueLink, queueOnPhone } from "./queue-columns.tsx";

const COLUMN_IDS = QUEUE_COLUMNS.map(({ id }) => id);
const BY_NAME: Sort = { column: "queue", descending: false };

/** Every queue there is. */
export default function QueuesPage() {
  const queues = useLive(({ data }) => data?.overview?.queues ?? null);
  const [search, change] = useSearch();
  const name = search.get("name") ?? "";
  const sort = readSort(search.get("sort"), COLUMN_IDS, BY_NAME);
  const rows = useMemo(() => {
    const all = [...(queues?.values() ?? [])];
    const wanted = name.toLowerCase();
    return wanted === "" ? all : all.filter(({ queue }) => queue.toLowerCase().includes(wanted));
  }, [queues, name]);
  return (
    <Page
      title="Queues"
      facts={
        queues !== null &&
        (name === ""
          ? plural(queues.size, "queue")
          : `${exactCount(rows.length)} of ${plural(queues.size, "queue")}`)
      }
      actions={
        <SearchField
          label="Queues whose name contains"
          placeholder="Name contains…"
          value={name}
          onChange={(text) => change({ name: text }, { replace: true })}
        />
      }
    >
      {queues === null ? (
        <Skeleton rows={14} />
      ) : (
        <Table
          label="Queues"
          rows={rows}
          columns={QUEUE_COLUMNS}
          keyOf={queueKey}
          to={queueLink}
          phone={queueOnPhone}
          sort={sort}
          onSort={(next) => change({ sort: writeSort(next) }, { replace: true })}
          empty={
            name === "" ? (
              <EmptyState title="There are no queues yet." command="npx titanqueue init">
                A queue is there from its first task on.
              </EmptyState>
            ) : (
              <EmptyState title={`No queue has “${name}” in its name.`} />
            )
          }
        />
      )}
    </Page>
  );
}
