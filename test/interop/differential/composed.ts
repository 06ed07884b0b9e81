import type { TaskMessage } from "../../../src/protocol/task-message.ts";
import type { Difference } from "../../engine/redis/golden-allowances.ts";
import type { PeerTask } from "../peer.ts";

/** What a client has stored of a call. */
export type Stored =
  | { readonly refused: true }
  | {
      readonly refused: false;
      readonly state: string;
      readonly message: Omit<TaskMessage, "headers"> & { readonly headers: Readonly<Record<string, string>> };
      /** Unix seconds. */
      readonly scheduledAt: number | undefined;
      /** Seconds. */
      readonly lockFor: number | undefined;
    };

/** A difference in what the options of an enqueue mean. Answers `ours` as Go would have it; `undefined` where it does not apply. */
export interface Composed extends Difference {
  readonly allow: (given: {
    readonly given: NonNullable<PeerTask["options"]>;
    readonly ours: Stored;
    readonly gos: Stored;
  }) => Stored | undefined;
}

const refusedBy =
  (isRefused: (given: NonNullable<PeerTask["options"]>) => boolean): Composed["allow"] =>
  ({ given, ours, gos }) =>
    ours.refused && !gos.refused && isRefused(given) ? gos : undefined;

const isFraction = (length: string | undefined) => length?.includes("ms") === true;

export const COMPOSED: readonly Composed[] = [
  {
    rule: "15.15: a timeout of 0 is refused",
    asynq: "30 minutes, although it is documented as no limit",
    why: 'nobody gets another limit than was written; `"none"` says what is meant',
    ops: ["enqueue"],
    allow: refusedBy(({ timeout }) => timeout === "0s"),
  },
  {
    rule: "15.15: a timeout is rounded up to whole seconds",
    asynq: "cut to whole seconds; under one second: none, which its servers take for 30 minutes",
    why: "a task gets at least the time that was written",
    ops: ["enqueue"],
    allow: ({ given: { timeout }, ours, gos }) => {
      if (ours.refused || gos.refused || !isFraction(timeout)) return undefined;
      if (Number(ours.message.timeout) !== Number(gos.message.timeout) + 1) return undefined;
      return { ...ours, message: { ...ours.message, timeout: gos.message.timeout } };
    },
  },
  {
    rule: "7: a retention is rounded up to whole seconds",
    asynq: "cut to whole seconds",
    why: "a result is kept at least as long as was written",
    ops: ["enqueue"],
    allow: ({ given: { retention }, ours, gos }) => {
      if (ours.refused || gos.refused || !isFraction(retention)) return undefined;
      if (Number(ours.message.retention) !== Number(gos.message.retention) + 1) return undefined;
      return { ...ours, message: { ...ours.message, retention: gos.message.retention } };
    },
  },
  {
    rule: "7: processAt and processIn together are refused",
    asynq: "the last one counts",
    why: "one of them is a mistake",
    ops: ["enqueue"],
    allow: refusedBy(({ processAt, processIn }) => processAt !== undefined && processIn !== undefined),
  },
  {
    rule: "3.2: braces in the name of a queue or a group are refused",
    asynq: "takes them",
    why: "a Cluster would put the queue's keys on different nodes",
    ops: ["enqueue"],
    allow: refusedBy(({ queue, group }) => /[{}]/.test(`${queue}${group}`)),
  },
];
