import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { EnqueueEntry, Leased, Outcome, Settlement } from "../../src/broker/broker.ts";
import type { EngineHarness } from "../contract/harness.ts";
import { archive, complete, message, retry, text } from "../contract/tasks.ts";
import { redisForFile } from "../support/redis-rig.ts";
import { openMemory } from "./memory/memory-harness.ts";
import { openRedis } from "./redis/harness.ts";

const redis = await redisForFile();

const QUEUE = "q";
const IDS = ["a", "b", "c", "d", "e"];

/** More than there are tasks: what order a limit would cut is tested elsewhere, and may differ between engines. */
const ALL = 100;

/**
 * The clock moves in steps of this; every delay, lock and retention ends between two steps, as leases do. So it does
 * not show that Redis rounds to seconds.
 */
const STEP = 7_000;
const BETWEEN_STEPS = [3_000, 3_250, 10_000, 38_000, 59_000];

type Command =
  | {
      do: "enqueue";
      id: string;
      delay: number;
      key: string;
      lock: number;
      group: string;
      replaceFinished: boolean;
    }
  | { do: "exchange"; outcomes: { which: number; kind: Settlement["kind"]; after: number }[]; lease: boolean }
  | { do: "extend" | "writeResult"; which: number }
  | { do: "recover"; kind: "retry" | "archive"; after: number; extendFirst: boolean; which: number }
  | { do: "forward" | "deleteExpired" | "trimArchive" | "sweep" | "reclaim" | "pause" | "unpause" }
  | { do: "advance"; steps: number };

const after = fc.constantFrom(...BETWEEN_STEPS);
const which = fc.nat(30);

const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("enqueue" as const),
      id: fc.constantFrom(...IDS),
      delay: fc.constantFrom(0, 0, ...BETWEEN_STEPS),
      key: fc.constantFrom("", "", "k", "l"),
      lock: after,
      group: fc.constantFrom("", "", "", "g"),
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
        ...([
          "forward",
          "forward",
          "deleteExpired",
          "trimArchive",
          "sweep",
          "reclaim",
          "pause",
          "unpause",
        ] as const),
      ),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("advance" as const), steps: fc.integer({ min: 1, max: 10 }) }),
  },
);

describe("the memory engine and the Redis engine", () => {
  it("answer alike and look alike, whatever is done to them", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { minLength: 20, maxLength: 40, size: "max" }), async (commands) => {
        const sides = [await side(await openMemory()), await side(await openRedis(redis))] as const;
        try {
          for (const command of commands) {
            const [memory, other] = await Promise.all(sides.map((each) => each.run(command)));
            expect(memory).toEqual(other);
          }
        } finally {
          for (const { engine } of sides) await engine.close();
        }
      }),
      { numRuns: 200 },
    );
  }, 120_000);
});

interface Side {
  readonly engine: EngineHarness;
  /** Does it; what was answered, and how the store looks then. Instants are relative to now. */
  run(command: Command): Promise<unknown>;
}

async function side(engine: EngineHarness): Promise<Side> {
  const { broker, inspection, clock } = engine;
  /** Every attempt there ever was, also long after it is over. */
  const attempts: Leased[] = [];
  const attempt = (which: number): Leased | undefined => attempts[which % attempts.length];
  await clock.advance(1_000 - (clock.now() % 1_000));

  async function answer(command: Command): Promise<unknown> {
    const now = broker.now();
    switch (command.do) {
      case "enqueue":
        return broker.enqueue([entryOf(command, now)]);
      case "exchange": {
        const outcomes = command.outcomes.flatMap(({ which, kind, after }): Outcome[] => {
          const leased = attempt(which);
          return leased ? [{ leased, settlement: settlementOf(kind, leased, now + after) }] : [];
        });
        const result = await broker.exchange(QUEUE, outcomes, command.lease ? ALL : 0);
        const leased = [...result.leased].sort((a, b) => (a.message.id < b.message.id ? -1 : 1));
        attempts.push(...leased);
        return { ...result, more: undefined, leased: leased.map(({ message }) => seen(message)) };
      }
      case "extend":
        return broker.extendLeases(QUEUE, attempts);
      case "writeResult": {
        const leased = attempt(command.which);
        return leased && broker.writeResult(leased, Buffer.from(`result ${command.which}`));
      }
      case "recover": {
        const expired = [...(await broker.listExpired(QUEUE, ALL))];
        expired.sort((a, b) => (a.message.id < b.message.id ? -1 : 1));
        const leased = attempt(command.which);
        if (command.extendFirst && leased) await broker.extendLeases(QUEUE, [leased]);
        const recoveries = expired.map((each) => ({
          expired: each,
          settlement: command.kind === "retry" ? retry(each, now + command.after) : archive(each),
        }));
        return [expired.map(({ message }) => seen(message)), await broker.recover(QUEUE, recoveries)];
      }
      case "forward": {
        const { moved, nextDueAt } = await broker.forward(QUEUE, ALL);
        return { moved, next: nextDueAt === undefined ? undefined : nextDueAt - now };
      }
      case "deleteExpired":
        return broker.deleteExpired(QUEUE, ALL);
      case "trimArchive":
        return broker.trimArchive(QUEUE, ALL);
      case "sweep":
        return broker.sweep(QUEUE, ALL);
      case "reclaim":
        return broker.reclaimAggregationSets(QUEUE);
      case "pause":
        return inspection.pauseQueue(QUEUE);
      case "unpause":
        return inspection.unpauseQueue(QUEUE);
      case "advance":
        return clock.advance(command.steps * STEP);
    }
  }

  async function look(): Promise<unknown> {
    const now = broker.now();
    const info = await inspection.queueInfo(QUEUE);
    const tasks = await Promise.all(IDS.map((id) => inspection.taskInfo(QUEUE, id)));
    const active = await inspection.listTasks(QUEUE, "active", { page: 0, size: ALL });
    return {
      // Which task waits longest is a matter of order; of the days, theirs begin at different hours.
      info: info && { ...info, latency: 0, at: 0, processed: 0, failed: 0 },
      orphaned: active?.flatMap(({ id, orphaned }) => (orphaned ? [id] : [])).sort(),
      tasks: tasks.map(
        (task) =>
          task && {
            id: task.id,
            state: task.state,
            message: task.message && seen(task.message),
            result: text(task.result),
            next: task.nextProcessAt === undefined ? undefined : task.nextProcessAt - now,
          },
      ),
    };
  }

  return { engine, run: async (command) => [command, await answer(command), await look()] };
}

function entryOf(command: Extract<Command, { do: "enqueue" }>, now: number): EnqueueEntry {
  const { id, delay, key, lock, group, replaceFinished } = command;
  const uniqueKey = key && `asynq:{${QUEUE}}:unique:email:welcome:${key}`;
  return {
    message: message(QUEUE, { id, uniqueKey, groupKey: group }),
    replaceFinished,
    ...(delay > 0 && { processAt: now + delay }),
    ...(key && { uniqueTtl: lock }),
  };
}

function settlementOf(kind: Settlement["kind"], leased: Leased, at: number): Settlement {
  switch (kind) {
    case "complete":
      return complete(leased, at, Buffer.from("done"));
    case "retry":
      return retry(leased, at);
    case "archive":
      return archive(leased);
    default:
      return { kind };
  }
}

/** The fields that tell attempts at one task apart. */
function seen({ id, retried, errorMsg, groupKey, uniqueKey }: Leased["message"]): unknown {
  return { id, retried, errorMsg, groupKey, uniqueKey };
}
