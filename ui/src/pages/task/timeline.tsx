import type { ReactNode } from "react";
import type { Attempt, TaskDetail } from "../../api/types.ts";
import { classes } from "../../components/classes.ts";
import { StateIcon } from "../../components/state-badge.tsx";
import { Elapsed, Instant, RelativeTime } from "../../components/values.tsx";
import { plural } from "../../format/numbers.ts";
import { duration } from "../../format/times.ts";
import { Link } from "../../routing/router.tsx";
import styles from "./timeline.module.css";
import { type TimelineItem, timelineOf } from "./timeline.ts";

/** What became of a task, from top to bottom. */
export function Timeline({ task, isGone }: { readonly task: TaskDetail; readonly isGone: boolean }) {
  // How it ended stays true; what it was about to do does not.
  const isOver = task.state === "completed" || task.state === "archived";
  const items = timelineOf(task).filter(({ kind }) => !(isGone && !isOver && kind === "now"));
  return (
    <ol className={styles["timeline"]}>
      {items.map((item, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: what is past keeps its place
        <Item key={at} item={item} task={task} isNewest={at === items.findLastIndex(isFailure)} />
      ))}
    </ol>
  );
}

function isFailure({ kind }: TimelineItem): boolean {
  return kind === "attempt" || kind === "failed";
}

interface ItemProps {
  readonly item: TimelineItem;
  readonly task: TaskDetail;
  /** The last failure: its error is shown whole. */
  readonly isNewest: boolean;
}

function Item({ item, task, isNewest }: ItemProps) {
  switch (item.kind) {
    case "enqueued":
      return (
        <Step mark="dot" title="Enqueued" at={item.at}>
          {item.at === null && <p className="muted small">When is not on record.</p>}
        </Step>
      );
    case "waited":
      return <li className={classes(styles["wait"], "muted small")}>waited {duration(item.length)}</li>;
    case "unknown":
      return (
        <li className={classes(styles["wait"], "muted small")}>
          {plural(item.count, "attempt")} failed before that, and {item.count === 1 ? "is" : "are"} not on
          record
        </li>
      );
    case "failed":
      return (
        <Step mark="bad" title="Failed" at={item.at}>
          <ErrorText text={item.error} />
          <p className="muted small">Nothing else is on record of it: a Go server ran it, say.</p>
        </Step>
      );
    case "attempt":
      return <AttemptStep {...item} task={task} isNewest={isNewest} />;
    case "now":
      return <Now task={task} />;
  }
}

const CAUSES: Readonly<Record<string, string>> = {
  error: "failed",
  timeout: "ran out of time",
  canceled: "was canceled",
  "retry-later": "asked to be tried later",
  "lease-expired": "lost its server",
  exhausted: "failed, and had no retry left",
  "skip-retry": "failed for good",
  invalid: "was not understood",
};

interface AttemptStepProps {
  readonly number: number;
  readonly attempt: Attempt;
  readonly changes: readonly string[] | null;
  readonly task: TaskDetail;
  readonly isNewest: boolean;
}

function AttemptStep({ number, attempt, changes, task, isNewest }: AttemptStepProps) {
  const { cause, server, duration: length, outcome, at } = attempt;
  const error = isNewest && task.error?.startsWith(attempt.error) ? task.error : attempt.error;
  const isSame = changes !== null && changes.length === 0;
  return (
    <Step
      mark={cause === "retry-later" ? "dot" : "bad"}
      title={`Attempt ${number} ${CAUSES[cause] ?? `failed: ${cause}`}`}
      at={at}
    >
      <p className="muted small anywhere">
        {[
          ...(server === null ? [] : [`on ${server}`]),
          ...(length === null ? [] : [`after ${duration(length)}`]),
          ...(outcome === "archive" ? ["archived then"] : []),
        ].join(", ")}
      </p>
      {changes !== null && (
        <p className={classes("small", isSame ? "faint" : styles["changes"])}>
          {isSame ? "As the attempt before." : `Against the attempt before: ${changes.join(", ")}.`}
        </p>
      )}
      {(!isSame || isNewest) && <ErrorText text={error} />}
    </Step>
  );
}

/** So many characters of an error are shown at first. */
const FOLDED = 600;

function ErrorText({ text }: { readonly text: string | null }) {
  if (text === null || text === "") return null;
  if (text.length <= FOLDED) return <pre className={styles["error"]}>{text}</pre>;
  return (
    <details>
      <summary className={styles["summary"]}>
        <pre className={styles["error"]}>{text.slice(0, FOLDED)}…</pre>
        <span className="small muted">All of it</span>
      </summary>
      <pre className={styles["error"]}>{text}</pre>
    </details>
  );
}

/** What it does now, or how it ended. */
function Now({ task }: { readonly task: TaskDetail }) {
  const { state, runningOn, nextProcessAt, completedAt, retention, group, orphaned, deleteAt } = task;
  switch (state) {
    case "active":
      return (
        <Step
          mark={<StateIcon state={state} size={12} />}
          title={orphaned ? "Its server is gone" : "Runs"}
          at={null}
        >
          <p className="muted small">
            {runningOn === null ? (
              orphaned ? (
                "Its lease has run out: another server takes it soon."
              ) : (
                "On which server is not known."
              )
            ) : (
              <>
                on{" "}
                <Link to="/servers">
                  {runningOn.host}:{runningOn.pid}
                </Link>{" "}
                for <Elapsed since={runningOn.startedAt} />
                {runningOn.deadline !== null && (
                  <>
                    , until <RelativeTime at={runningOn.deadline} /> at most
                  </>
                )}
              </>
            )}
          </p>
        </Step>
      );
    case "pending":
      return <Step mark={<StateIcon state={state} size={12} />} title="Waits for a free slot" at={null} />;
    case "scheduled":
      return <Step mark={<StateIcon state={state} size={12} />} title="Runs" at={nextProcessAt} />;
    case "retry":
      return <Step mark={<StateIcon state={state} size={12} />} title="Is tried again" at={nextProcessAt} />;
    case "aggregating":
      return (
        <Step
          mark={<StateIcon state={state} size={12} />}
          title={`Waits in group ${group ?? ""} for others`}
          at={null}
        />
      );
    case "archived":
      return (
        <Step mark={<StateIcon state={state} size={12} />} title="Archived" at={null}>
          <p className="muted small">
            {deleteAt === null ? "It stays until somebody decides." : "It is on its way out."}
          </p>
        </Step>
      );
    case "completed":
      return (
        <Step mark={<StateIcon state={state} size={12} />} title="Completed" at={completedAt}>
          {completedAt !== null && (
            <p className="muted small">
              kept until <Instant at={completedAt + retention} />
            </p>
          )}
        </Step>
      );
  }
}

interface StepProps {
  readonly mark: "dot" | "bad" | ReactNode;
  readonly title: string;
  readonly at: number | null;
  readonly children?: ReactNode;
}

function Step({ mark, title, at, children }: StepProps) {
  const isPlain = mark === "dot" || mark === "bad";
  return (
    <li className={styles["step"]}>
      <span
        className={classes(styles["mark"], mark === "dot" && styles["dot"], mark === "bad" && styles["bad"])}
        aria-hidden="true"
      >
        {isPlain ? null : mark}
      </span>
      <div className={styles["text"]}>
        <p className={styles["title"]}>
          <span className="medium anywhere">{title}</span>
          {at !== null && (
            <span className="muted">
              <RelativeTime at={at} />
            </span>
          )}
          {at !== null && (
            <span className={classes(styles["instant"], "faint small")}>
              <Instant at={at} />
            </span>
          )}
        </p>
        {children}
      </div>
    </li>
  );
}
