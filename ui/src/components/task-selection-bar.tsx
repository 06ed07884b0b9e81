import { Archive, CircleStop, Copy, Ellipsis, Play, Trash2, X } from "lucide-react";
import { useState } from "react";
import { useMay } from "../api/session.tsx";
import type { TaskAction, TaskRow } from "../api/types.ts";
import { BulkDialog } from "../bulk/bulk-dialog.tsx";
import { ACTIONS, type BulkOrder, takenBy } from "../bulk/bulk-words.ts";
import { cancelTasks, changeTasks } from "../bulk/task-actions.ts";
import { exactCount } from "../format/numbers.ts";
import { useKeys } from "../keys/use-keys.ts";
import { Button } from "./button.tsx";
import { copyText } from "./copy-button.tsx";
import { Menu } from "./menu.tsx";
import type { Selection } from "./selection.ts";
import { taskKey } from "./task-columns.tsx";
import styles from "./task-selection-bar.module.css";
import { notify } from "./toast.tsx";

export interface TaskSelectionBarProps {
  readonly rows: readonly TaskRow[];
  readonly selection: Selection;
  /** The row under the cursor of the keyboard: keys mean it while nothing is selected. */
  readonly cursor: TaskRow | null;
  /** All tasks that the list is of, this page and the others; left out: they cannot be meant as one. */
  readonly matching?: Pick<BulkOrder, "filter" | "queues" | "states" | "of">;
  /** Whether all that match are meant rather than single rows. */
  readonly isAll?: boolean;
  readonly onAll?: (all: boolean) => void;
}

const KEYS: readonly (readonly [action: TaskAction, key: string])[] = [
  ["run", "r"],
  ["archive", "a"],
  ["delete", "d"],
];

const ICONS = { run: Play, archive: Archive, delete: Trash2 } as const;

/** What may be done to the selected tasks of a list: at its foot, and by keys. */
export function TaskSelectionBar(props: TaskSelectionBarProps) {
  const { rows, selection, cursor, matching, isAll = false, onAll } = props;
  const operate = useMay("operate");
  const [order, setOrder] = useState<BulkOrder | null>(null);
  const chosen = rows.filter((row) => selection.keys.has(taskKey(row)));
  const meant = chosen.length > 0 ? chosen : cursor === null ? [] : [cursor];
  const leave = () => {
    selection.clear();
    onAll?.(false);
  };
  const act = (action: TaskAction) => {
    if (!operate.allowed) return;
    if (isAll && matching !== undefined) return setOrder({ action, ...matching });
    if (meant.length === 0) return;
    void changeTasks(action, meant).then((done) => done && leave());
  };
  const cancel = () => {
    if (operate.allowed && !isAll && meant.length > 0)
      void cancelTasks(meant).then((done) => done && leave());
  };
  const copyIds = () => {
    const ids = chosen.map(({ id }) => id).join("\n");
    copyText(ids).then(
      () => notify({ text: `${exactCount(chosen.length)} ids copied.` }),
      () => notify({ text: "The browser did not let this be copied.", tone: "bad" }),
    );
  };
  const isShown = isAll || chosen.length > 0;
  useKeys(
    operate.hidden
      ? []
      : [
          ...KEYS.map(([action, keys]) => ({
            keys,
            label: `${ACTIONS[action].verb} what is selected`,
            group: "List" as const,
            run: () => act(action),
          })),
          { keys: "c", label: "Cancel what runs", group: "List", run: cancel },
        ],
  );
  useKeys(isShown ? [{ keys: "escape", label: "Select nothing", group: "List", run: leave }] : []);
  const isWhole = rows.length > 0 && chosen.length === rows.length;
  return (
    <>
      {isShown && (
        <div className={styles["bar"]} role="toolbar" aria-label="Selected tasks">
          <span className={styles["count"]} role="status">
            {isAll ? "All that match" : `${exactCount(chosen.length)} selected`}
          </span>
          {matching !== undefined && !isAll && isWhole && onAll !== undefined && (
            <Button look="quiet" className={styles["all"]} onClick={() => onAll(true)}>
              Select all that match
            </Button>
          )}
          <span className={styles["actions"]}>
            {KEYS.map(([action, keys]) => {
              const Icon = ICONS[action];
              return (
                <Button
                  key={action}
                  look={action === "delete" ? "danger" : "normal"}
                  icon={<Icon size={14} aria-hidden />}
                  hotkey={keys}
                  may={operate}
                  disabled={!isAll && takenBy(action, chosen).length === 0}
                  onClick={() => act(action)}
                >
                  {ACTIONS[action].verb}
                  {isAll && "…"}
                </Button>
              );
            })}
            <Menu
              label="More to do"
              icon={<Ellipsis size={16} />}
              items={[
                {
                  label: "Cancel what runs",
                  icon: <CircleStop size={14} />,
                  hotkey: "c",
                  may: isAll ? { allowed: false, hidden: true, reason: null } : operate,
                  run: cancel,
                },
                { label: "Copy the ids", icon: <Copy size={14} />, run: copyIds },
              ]}
            />
          </span>
          <Button
            look="quiet"
            icon={<X size={14} />}
            aria-label="Select nothing"
            title="Select nothing (esc)"
            onClick={leave}
          />
        </div>
      )}
      {order !== null && (
        <BulkDialog
          order={order}
          onClose={() => {
            setOrder(null);
            leave();
          }}
        />
      )}
    </>
  );
}
