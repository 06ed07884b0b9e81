import type { GroupRow } from "../../api/types.ts";
import { useApi } from "../../api/use-api.ts";
import { EmptyState, ErrorState, Skeleton } from "../../components/empty-state.tsx";
import { byNumber, byText } from "../../components/stable-order.ts";
import { STATE_MEANINGS } from "../../components/states.ts";
import { type Column, Table } from "../../components/table.tsx";
import { exactCount } from "../../format/numbers.ts";
import { link, withSearch } from "../../routing/location.ts";

export interface QueueGroupsProps {
  readonly queue: string;
  /** `j k enter` are of this table. @defaultValue true */
  readonly keyboard?: boolean;
}

/** Groups of a queue whose tasks wait to be aggregated; each leads to its tasks. */
export function QueueGroups({ queue, keyboard = true }: QueueGroupsProps) {
  const { data, error, refetch } = useApi(
    "GET /api/queues/{queue}/groups",
    { params: { queue } },
    { every: 5_000 },
  );
  if (data === undefined) {
    if (error === null) return <Skeleton rows={6} />;
    return <ErrorState what="the groups" error={error} retry={() => void refetch()} />;
  }
  return (
    <Table
      label={`Groups of ${queue}`}
      keyboard={keyboard}
      rows={data.groups}
      columns={GROUP_COLUMNS}
      keyOf={groupKey}
      to={({ group }) => withSearch(link`/queues/${queue}`, { state: "aggregating", group })}
      empty={<EmptyState title="No groups have tasks waiting.">{STATE_MEANINGS.aggregating}</EmptyState>}
    />
  );
}

const groupKey = ({ group }: GroupRow) => group;

const GROUP_COLUMNS: readonly Column<GroupRow>[] = [
  {
    id: "group",
    header: "Group",
    width: "minmax(120px, 1fr)",
    main: true,
    compare: byText(groupKey),
    cell: ({ group }) => <span className="anywhere">{group}</span>,
  },
  {
    id: "size",
    header: "Tasks",
    width: "80px",
    align: "right",
    largestFirst: true,
    compare: byNumber(({ size }) => size),
    cell: ({ size }) => exactCount(size),
  },
];
