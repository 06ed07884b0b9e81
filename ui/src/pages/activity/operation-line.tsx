import { call } from "../../api/call.ts";
import { useMay } from "../../api/session.tsx";
import type { Operation } from "../../api/types.ts";
import { ACTIONS, endOf, leftOf } from "../../bulk/bulk-words.ts";
import { undo } from "../../bulk/task-actions.ts";
import { Button } from "../../components/button.tsx";
import { CopyButton } from "../../components/copy-button.tsx";
import { notifyError } from "../../components/toast.tsx";
import { RelativeTime } from "../../components/values.tsx";
import { exactCount } from "../../format/numbers.ts";
import { duration } from "../../format/times.ts";
import { useNow } from "../../live/live.ts";
import styles from "./activity-page.module.css";

/** One change of many tasks: how far it is, or how it ended. */
export function OperationLine({ operation }: { readonly operation: Operation }) {
  const { id, action, dryRun, queues, status, startedAt, startedBy, command } = operation;
  const now = useNow();
  const operate = useMay("operate");
  const goes = status === "running";
  const canUndo = operation.undoUntil !== null && operation.undoUntil > now && !goes;
  const verb = action === "delete-queue" ? "Delete queue" : ACTIONS[action].verb;
  const stop = () => {
    call("POST /api/operations/{id}/stop", { params: { id } }).catch(notifyError("Could not stop it"));
  };
  return (
    <li className={styles["operation"]}>
      <div className={styles["words"]}>
        <p className="anywhere">
          <span className="medium">
            {verb}
            {dryRun && ", only counted"}
          </span>{" "}
          <span className="muted">
            {whichOf(operation)}
            {queues !== null && ` in ${queues.join(", ")}`}
          </span>
        </p>
        {goes ? <Progress operation={operation} now={now} /> : <p className="muted">{endOf(operation)}</p>}
      </div>
      <span className="muted small">
        {startedBy !== null && `${startedBy}, `}
        <RelativeTime at={startedAt} />
      </span>
      {command !== null && <CopyButton text={command} label="Copy as CLI" />}
      {goes && (
        <Button may={operate} onClick={stop}>
          Stop
        </Button>
      )}
      {canUndo && (
        <Button may={operate} onClick={() => void undo(operation)}>
          Undo
        </Button>
      )}
    </li>
  );
}

/** Which tasks of its queues it is for. */
function whichOf({ filter, states, group, fingerprint }: Operation): string {
  const words = [
    ...(states ?? []).map((state) => `state:${state}`),
    ...(filter === "" ? [] : [filter]),
    ...(group === null ? [] : [`group ${group}`]),
    ...(fingerprint === null ? [] : ["(one group of failures)"]),
  ];
  return words.length === 0 ? "all" : words.join(" ");
}

function Progress({ operation, now }: { readonly operation: Operation; readonly now: number }) {
  const { done, total } = operation;
  const left = leftOf(operation, now);
  return (
    <div className={styles["progress"]}>
      <progress value={total === null ? undefined : done} max={Math.max(1, total ?? 1)} />
      <span className="muted small">
        {exactCount(done)} of {exactCount(total)}
        {left !== null && `, ${duration(left)} left`}
      </span>
    </div>
  );
}
