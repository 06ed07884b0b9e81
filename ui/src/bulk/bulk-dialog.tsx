import { useEffect, useRef, useState } from "react";
import { isApiError } from "../api/api-error.ts";
import { call } from "../api/call.ts";
import type { Operation, TaskRow } from "../api/types.ts";
import { Banner } from "../components/banner.tsx";
import { Button } from "../components/button.tsx";
import { CopyButton } from "../components/copy-button.tsx";
import { Dialog } from "../components/dialog.tsx";
import { ErrorState } from "../components/empty-state.tsx";
import { SelectField } from "../components/field.tsx";
import { StateIcon } from "../components/state-badge.tsx";
import { taskKey, taskLink } from "../components/task-columns.tsx";
import { notify, notifyError } from "../components/toast.tsx";
import { Elapsed } from "../components/values.tsx";
import { exactCount, plural, rate } from "../format/numbers.ts";
import { duration } from "../format/times.ts";
import { useNow } from "../live/live.ts";
import { Link } from "../routing/router.tsx";
import styles from "./bulk-dialog.module.css";
import { ACTIONS, type BulkOrder, bulkRequest, endOf, leftOf, rateOf } from "./bulk-words.ts";
import { lookAnew, undo } from "./task-actions.ts";
import { useOperation } from "./use-operation.ts";

export interface BulkDialogProps {
  readonly order: BulkOrder;
  readonly onClose: () => void;
}

/** A change of all that match: counted first, then done, then taken back as long as that is possible. */
export function BulkDialog({ order, onClose }: BulkDialogProps) {
  const { verb, going } = ACTIONS[order.action];
  const [begun, setBegun] = useState<Operation | null>(null);
  const [refused, setRefused] = useState<unknown>(null);
  const [pace, setPace] = useState("");
  const [isSending, setSending] = useState(false);
  const operation = useOperation(begun);

  const send = async (request: Parameters<typeof bulkRequest>[1]) => {
    setSending(true);
    try {
      setRefused(null);
      setBegun(await call("POST /api/operations", { body: bulkRequest(order, request) }));
    } catch (error) {
      if (!isApiError(error)) throw error;
      setRefused(error);
    } finally {
      setSending(false);
    }
  };
  const asked = useRef(false);
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is counted once
  useEffect(() => {
    if (asked.current) return;
    asked.current = true;
    void send({ dryRun: true, undoable: true });
  }, []);

  const isDry = operation?.dryRun ?? true;
  const runs = operation?.status === "running";
  const ended = operation !== null && !runs;
  // biome-ignore lint/correctness/useExhaustiveDependencies: when it has ended, or was taken back
  useEffect(() => {
    if (ended && !isDry) lookAnew();
  }, [ended, isDry, operation?.undone]);

  const close = () => {
    if (runs && isDry) stop();
    if (runs && !isDry) notify({ text: `${going} goes on; Activity shows how far it is.` });
    onClose();
  };
  const stop = () => {
    if (operation === null) return;
    call("POST /api/operations/{id}/stop", { params: { id: operation.id } }).catch(
      notifyError("Could not stop it"),
    );
  };
  const matched = operation?.matched ?? null;
  const canUndo = operation?.canUndo !== false;
  const start = () => void send({ undoable: canUndo, ...(pace !== "" && { rate: Number(pace) }) });
  const title = `${verb} ${order.of}`;

  if (refused !== null && operation === null) {
    return (
      <Dialog title={title} size="large" onClose={onClose} actions={<Button onClick={onClose}>Close</Button>}>
        <ErrorState
          what="the count"
          error={refused}
          retry={() => void send({ dryRun: true, undoable: true })}
        />
      </Dialog>
    );
  }
  if (operation === null || isDry) {
    const isCounted = ended && operation.status === "done" && matched !== null;
    return (
      <Dialog
        title={title}
        size="large"
        onClose={close}
        actions={
          <>
            {operation?.command && (
              <CopyButton
                text={withoutDryRun(operation.command)}
                label="Copy the command that does the same"
                look="normal"
              >
                Copy as CLI
              </CopyButton>
            )}
            <span className="spacer" />
            <Button onClick={close}>Cancel</Button>
            <Button
              // It takes the focus once there is something to do.
              key={String(isCounted)}
              look={order.action === "delete" ? "danger" : "primary"}
              disabled={!isCounted || matched === 0}
              busy={isSending}
              autoFocus={isCounted}
              onClick={start}
            >
              {isCounted ? `${verb} ${plural(matched, "task")}` : verb}
            </Button>
          </>
        }
      >
        {isCounted ? (
          <Counted operation={operation} order={order} pace={pace} onPace={setPace} canUndo={canUndo} />
        ) : (
          <Progress operation={operation} word="Counting" />
        )}
        {ended && operation.status !== "done" && (
          <Banner tone="bad">{operation.error?.message ?? "The count was stopped."}</Banner>
        )}
        {refused !== null && (
          <Banner tone="bad">{isApiError(refused) ? refused.message : String(refused)}</Banner>
        )}
      </Dialog>
    );
  }
  return (
    <Dialog
      title={title}
      size="large"
      onClose={close}
      actions={
        runs ? (
          <>
            <Button look="danger" onClick={stop}>
              Stop
            </Button>
            <Button onClick={close}>Close, and let it go on</Button>
          </>
        ) : (
          <>
            <UndoButton operation={operation} />
            <Button look="primary" autoFocus onClick={close}>
              Done
            </Button>
          </>
        )
      }
    >
      {runs ? <Progress operation={operation} word={going} /> : <Ended operation={operation} />}
    </Dialog>
  );
}

const PACES = [
  { value: "", label: "As fast as it can" },
  { value: "10", label: "10 a second" },
  { value: "100", label: "100 a second" },
  { value: "1000", label: "1 000 a second" },
];

interface CountedProps {
  readonly operation: Operation;
  readonly order: BulkOrder;
  readonly pace: string;
  readonly onPace: (pace: string) => void;
  readonly canUndo: boolean;
}

function Counted({ operation, order, pace, onPace, canUndo }: CountedProps) {
  const { matched, sample, done } = operation;
  const { meaning, states } = ACTIONS[order.action];
  if (matched === 0) {
    return (
      <p>
        Nothing matches: {plural(done, "task was", "tasks were")} looked at that {states.join(", ")} could be.
      </p>
    );
  }
  const isForGood = order.action === "delete" && !canUndo;
  return (
    <div className="stack">
      <p>
        <span className={styles["count"]}>{exactCount(matched)}</span>{" "}
        {matched === 1 ? "task matches" : "tasks match"}.{" "}
        <span className="muted">{isForGood ? "" : meaning}</span>
      </p>
      {isForGood && (
        <Banner tone="bad">
          This cannot be undone: some of them are in groups, or they are too many to be put back.
        </Banner>
      )}
      <Samples sample={sample} matched={matched ?? 0} />
      <div className={styles["pace"]}>
        <SelectField label="How fast" value={pace} options={PACES} onChange={onPace} />
      </div>
      {operation.command !== null && (
        <pre className={styles["command"]}>{withoutDryRun(operation.command)}</pre>
      )}
    </div>
  );
}

/** The command says what was asked for: a count. */
function withoutDryRun(command: string): string {
  return command.replaceAll(" --dry-run", "");
}

function Samples({ sample, matched }: { readonly sample: readonly TaskRow[]; readonly matched: number }) {
  if (sample.length === 0) return null;
  return (
    <div>
      <h3>{sample.length < matched ? `${sample.length} of them` : "These"}</h3>
      <ul className={styles["samples"]}>
        {sample.map((task) => (
          <li key={taskKey(task)} className="row">
            <StateIcon state={task.state} />
            <Link to={taskLink(task)} className="plain-link medium ellipsis">
              {task.damaged ? "unreadable" : task.type}
            </Link>
            <span className="muted ellipsis">{task.queue}</span>
            <span className="mono muted ellipsis">{task.lastError ?? task.preview ?? task.id}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}

function Progress({ operation, word }: { readonly operation: Operation | null; readonly word: string }) {
  const now = useNow();
  const { done = 0, total = null } = operation ?? {};
  const part = total === null || total === 0 ? undefined : done / total;
  const speed = operation === null ? null : rateOf(operation, now);
  const left = operation === null ? null : leftOf(operation, now);
  return (
    <div className="stack" role="status">
      <p>
        {word}: {exactCount(done)}
        {total !== null && ` of ${exactCount(total)}`} looked at
        {operation !== null &&
          !operation.dryRun &&
          `, ${exactCount(operation.changed)} ${doneWord(operation)}`}
        .
      </p>
      <progress className={styles["bar"]} value={part} max={1} aria-label={word} />
      <p className="muted">
        {speed !== null && `${rate(speed)} a second`}
        {left !== null && `, ${duration(Math.ceil(left / 1_000) * 1_000)} to go`}
        {operation !== null && (
          <>
            {speed !== null && ", "}since <Elapsed since={operation.startedAt} />
          </>
        )}
      </p>
    </div>
  );
}

function doneWord({ action }: Operation): string {
  return action === "delete-queue" ? "deleted" : ACTIONS[action].done;
}

function Ended({ operation }: { readonly operation: Operation }) {
  const { status, startedAt, endedAt, undoUntil, undone } = operation;
  const now = useNow();
  return (
    <div className="stack">
      <p className={status === "failed" ? "bad" : undefined}>{endOf(operation)}</p>
      <p className="muted">
        {endedAt !== null && `It took ${duration(endedAt - startedAt)}. `}
        {undone === null && undoUntil !== null && undoUntil > now && (
          <>It can be undone for another {duration(Math.floor((undoUntil - now) / 1_000) * 1_000)}. </>
        )}
        <Link to="/activity">Activity</Link> keeps a line of it.
      </p>
    </div>
  );
}

function UndoButton({ operation }: { readonly operation: Operation }) {
  const now = useNow();
  const [isBusy, setBusy] = useState(false);
  const { undoUntil, undone } = operation;
  if (undoUntil === null || undoUntil <= now || undone !== null) return null;
  return (
    <Button
      busy={isBusy}
      onClick={() => {
        setBusy(true);
        void undo(operation).finally(() => setBusy(false));
      }}
    >
      Undo
    </Button>
  );
}
