import fc from "fast-check";
import type { Settlement } from "../../src/broker/broker.ts";
import type { EnqueueEntry } from "../../src/broker/enqueue-entry.ts";
import type { Change, TaskState } from "../../src/broker/inspection.ts";
import { message } from "../contract/tasks.ts";

export const QUEUE = "q";
export const GROUP = "g";
export const IDS = ["a", "b", "c", "d", "e"];

/** More than there are tasks: what order a limit would cut is tested elsewhere, and may differ between engines. */
export const ALL = 100;

/**
 * The clock moves in steps of this; every delay, lock and retention ends between two steps, as leases do. So it does
 * not show that Redis rounds to seconds.
 */
export const STEP = 7_000;
/** Steps of a long wait: a little more than the 90 days for which an archived task is kept. */
export const LONG = Math.ceil((90 * 86_400_000) / STEP) + 1;
const BETWEEN_STEPS = [3_000, 3_250, 10_000, 38_000, 59_000];

/** What is done to a queue. `which` picks among all attempts there ever were, also those long over: a stale one. */
export type Command =
  | {
      do: "enqueue";
      id: string;
      delay: number;
      key: string;
      lock: number;
      group: string;
      replaceFinished: boolean;
    }
  | { do: "exchange"; outcomes: PlannedOutcome[]; lease: boolean }
  /** The outcomes of the last exchange once more, as after a lost reply. */
  | { do: "replay" }
  | { do: "extend" | "writeResult"; which: number }
  /** Lists what has expired, extends one attempt, and ends those that were listed. */
  | { do: "recover"; kind: "retry" | "archive"; after: number; extendFirst: boolean; which: number }
  | { do: "forward" | "deleteExpired" | "trimArchive" | "sweep" | "reclaim" | "pause" | "unpause" }
  | { do: "advance"; steps: number }
  /** So long that what was archived before is too old. */
  | { do: "wait" }
  /** What an operator does to one task, or to all of a state. */
  | { do: "change"; change: Change; id: string }
  | { do: "changeAll"; change: Change; state: TaskState }
  | { do: "removeQueue" }
  | Damage;

export interface PlannedOutcome {
  which: number;
  kind: Settlement["kind"];
  after: number;
}

/** What no script of ours does: memory runs out, a foreign program errs. */
export type Damage =
  /** The lease of an active task is gone. */
  | { do: "dropLease"; id: string }
  /** The hash of a pending task is gone, its id still waits. */
  | { do: "dropHash"; id: string };

const after = fc.constantFrom(...BETWEEN_STEPS);
const which = fc.nat(30);
const id = fc.constantFrom(...IDS);

const kinds: fc.WeightedArbitrary<Command>[] = [
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("enqueue" as const),
      id,
      delay: fc.constantFrom(0, 0, ...BETWEEN_STEPS),
      key: fc.constantFrom("", "", "k", "l"),
      lock: after,
      group: fc.constantFrom("", "", "", GROUP),
      replaceFinished: fc.boolean(),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("exchange" as const),
      outcomes: fc.array(
        fc.record({
          which,
          kind: fc.constantFrom<Settlement["kind"][]>("done", "complete", "retry", "archive", "requeue"),
          after,
        }),
        { maxLength: 4 },
      ),
      lease: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("replay" as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom("extend" as const, "writeResult" as const), which }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("recover" as const),
      kind: fc.constantFrom("retry" as const, "archive" as const),
      after,
      extendFirst: fc.boolean(),
      which,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom(
        "forward" as const,
        "forward" as const,
        "deleteExpired" as const,
        "trimArchive" as const,
        "sweep" as const,
        "reclaim" as const,
        "pause" as const,
        "unpause" as const,
      ),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("advance" as const), steps: fc.integer({ min: 1, max: 10 }) }),
  },
];

const change = fc.constantFrom<Change[]>("run", "archive", "delete");

/** States whose tasks may be changed all together, by change. */
const CHANGEABLE: Readonly<Record<Change, TaskState[]>> = {
  run: ["scheduled", "retry", "archived", "aggregating"],
  archive: ["pending", "scheduled", "retry", "aggregating"],
  delete: ["pending", "scheduled", "retry", "archived", "completed", "aggregating"],
};

kinds.push(
  { weight: 3, arbitrary: fc.record({ do: fc.constant("change" as const), change, id }) },
  {
    weight: 1,
    arbitrary: change.chain((what) =>
      fc.record({
        do: fc.constant("changeAll" as const),
        change: fc.constant(what),
        state: fc.constantFrom(...CHANGEABLE[what]),
      }),
    ),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("removeQueue" as const, "wait" as const) }) },
);

const damage: fc.WeightedArbitrary<Command> = {
  weight: 2,
  arbitrary: fc.record({ do: fc.constantFrom("dropLease" as const, "dropHash" as const), id }),
};

/** Runs of commands, with damage among them or not. */
export function commandRuns(options: { damage: boolean }): fc.Arbitrary<Command[]> {
  const command = options.damage ? fc.oneof(...kinds, damage) : fc.oneof(...kinds);
  return fc.array(command, { minLength: 20, maxLength: 60, size: "max" });
}

type Enqueue = Extract<Command, { do: "enqueue" }>;

export function entryOf(
  { id, delay, key, lock, group, replaceFinished }: Enqueue,
  now: number,
): EnqueueEntry {
  return {
    message: message(QUEUE, { id, uniqueKey: uniqueKeyOf(key), groupKey: group }),
    replaceFinished,
    ...(delay > 0 && { processAt: now + delay }),
    ...(key && { uniqueTtl: lock }),
  };
}

export function uniqueKeyOf(key: string): string {
  return key && `asynq:{${QUEUE}}:unique:email:welcome:${key}`;
}
