import type { TaskState } from "../api/types.ts";
import { classes } from "./classes.ts";
import styles from "./state-badge.module.css";
import { STATE_MEANINGS, STATE_WORDS } from "./states.ts";

/** Each state has a shape of its own, so that colour is never all there is. */
const SHAPES: Readonly<Record<TaskState, string>> = {
  // A filled triangle: it runs.
  active: "M3 1.5 L10 6 L3 10.5 Z",
  // A ring: it waits.
  pending: "M6 1.5 A4.5 4.5 0 1 1 5.99 1.5 Z M6 3.5 A2.5 2.5 0 1 0 6.01 3.5 Z",
  // A clock.
  scheduled:
    "M6 1 A5 5 0 1 1 5.99 1 Z M6 2.5 A3.5 3.5 0 1 0 6.01 2.5 Z M5.4 3.6 H6.6 V5.8 L8.2 7 L7.4 8 L5.4 6.5 Z",
  // An arrow that comes back.
  retry: "M6 1.5 A4.5 4.5 0 1 1 1.8 7.6 L3.3 7.1 A3 3 0 1 0 6 3 V5 L2.6 2.4 L6 0 Z",
  // A stack.
  aggregating: "M1.5 1.5 H10.5 V3.6 H1.5 Z M1.5 5 H10.5 V7.1 H1.5 Z M1.5 8.5 H10.5 V10.6 H1.5 Z",
  // A cross.
  archived:
    "M2.6 1.2 L6 4.6 L9.4 1.2 L10.8 2.6 L7.4 6 L10.8 9.4 L9.4 10.8 L6 7.4 L2.6 10.8 L1.2 9.4 L4.6 6 L1.2 2.6 Z",
  // A tick.
  completed: "M1.2 6.4 L2.7 4.9 L4.8 7 L9.4 2.2 L10.9 3.7 L4.8 10 Z",
};

export function StateIcon({ state, size = 10 }: { readonly state: TaskState; readonly size?: number }) {
  return (
    <svg
      className={classes(styles["icon"], styles[state])}
      viewBox="0 0 12 12"
      width={size}
      height={size}
      aria-hidden="true"
      focusable="false"
    >
      <path d={SHAPES[state]} fill="currentColor" fillRule="evenodd" />
    </svg>
  );
}

/** The state of a task: shape, colour and word. */
export function StateBadge({
  state,
  orphaned = false,
}: {
  readonly state: TaskState;
  readonly orphaned?: boolean;
}) {
  const meaning = orphaned ? "Its lease has run out: its server is gone." : STATE_MEANINGS[state];
  return (
    <span className={classes(styles["badge"], styles[state])} title={meaning}>
      <StateIcon state={state} />
      {STATE_WORDS[state]}
      {orphaned && <span className="bad">orphaned</span>}
    </span>
  );
}
