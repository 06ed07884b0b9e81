import { Archive, Ellipsis, Play, Trash2 } from "lucide-react";
import { useState } from "react";
import { useMay } from "../../api/session.tsx";
import type { GroupRow, TaskAction } from "../../api/types.ts";
import { useApi } from "../../api/use-api.ts";
import { BulkDialog } from "../../bulk/bulk-dialog.tsx";
import type { BulkOrder } from "../../bulk/bulk-words.ts";
import { EmptyState, ErrorState, Skeleton } from "../../components/empty-state.tsx";
import { Menu } from "../../components/menu.tsx";
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
  const may = useMay("operate");
  const [order, setOrder] = useState<BulkOrder | null>(null);
  const begin = (action: TaskAction, { group }: GroupRow) =>
    setOrder({
      action,
      filter: "",
      queues: [queue],
      states: ["aggregating"],
      group,
      of: `the group ${group} of ${queue}`,
    });
  const actions: Column<GroupRow> = {
    id: "actions",
    header: <span className="hidden">Actions</span>,
    width: "48px",
    align: "right",
    cell: (row) => (
      <Menu
        look="quiet"
        label={`Actions for the group ${row.group}`}
        items={[
          { label: "Run all", icon: <Play size={14} />, may, run: () => begin("run", row) },
          { label: "Archive all", icon: <Archive size={14} />, may, run: () => begin("archive", row) },
          {
            label: "Delete all",
            icon: <Trash2 size={14} />,
            may,
            danger: true,
            run: () => begin("delete", row),
          },
        ]}
      >
        <Ellipsis size={14} aria-hidden />
      </Menu>
    ),
  };
  if (data === undefined) {
    if (error === null) return <Skeleton rows={6} />;
    return <ErrorState what="the groups" error={error} retry={() => void refetch()} />;
  }
  return (
    <>
      <Table
        label={`Groups of ${queue}`}
        keyboard={keyboard}
        rows={data.groups}
        columns={[...GROUP_COLUMNS, actions]}
        keyOf={groupKey}
        to={({ group }) => withSearch(link`/queues/${queue}`, { state: "aggregating", group })}
        empty={<EmptyState title="No groups have tasks waiting.">{STATE_MEANINGS.aggregating}</EmptyState>}
      />
      {order !== null && (
        <BulkDialog
          order={order}
          onClose={() => {
            setOrder(null);
            void refetch();
          }}
        />
      )}
    </>
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
