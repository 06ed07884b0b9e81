import type { Leased, Outcome, Settlement } from "../../src/broker/broker.ts";
import type { EngineHarness } from "../contract/harness.ts";
import { archive, complete, retry, text } from "../contract/tasks.ts";
import {
  ALL,
  type Command,
  type Damage,
  entryOf,
  GROUP,
  IDS,
  LONG,
  type PlannedOutcome,
  QUEUE,
  STEP,
} from "./commands.ts";
import type { Look, Side } from "./side.ts";

/** Does the damage where there is something to damage, and says so. */
export type DoDamage = (damage: Damage) => Promise<boolean>;

const noDamage: DoDamage = () => {
  throw new Error("this engine cannot be damaged");
};

/** An engine, asked the same as the model. */
export async function engineSide(engine: EngineHarness, doDamage = noDamage): Promise<Side> {
  const { broker, inspection, clock } = engine;
  const attempts: Leased[] = [];
  let sent: Outcome[] = [];
  const attempt = (which: number): Leased | undefined => attempts[which % attempts.length];
  await clock.advance(1_000 - (clock.now() % 1_000));

  function outcomeOf({ which, kind, after }: PlannedOutcome): Outcome[] {
    const leased = attempt(which);
    return leased ? [{ leased, settlement: settlementOf(kind, leased, broker.now() + after) }] : [];
  }

  async function exchange(outcomes: readonly Outcome[], limit: number): Promise<unknown> {
    const result = await broker.exchange(QUEUE, outcomes, limit);
    const leased = [...result.leased].sort(byId);
    attempts.push(...leased);
    const { answers, quarantined } = result;
    return { answers, leased: leased.map(seen), dropped: [...result.dropped].sort(), quarantined };
  }

  async function answer(command: Command): Promise<unknown> {
    const now = broker.now();
    switch (command.do) {
      case "enqueue":
        return broker.enqueue([entryOf(command, now)]);
      case "exchange":
        sent = command.outcomes.flatMap(outcomeOf);
        return exchange(sent, command.lease ? ALL : 0);
      case "replay":
        return exchange(
          sent.map((outcome) => ({ ...outcome, repeated: true })),
          0,
        );
      case "extend": {
        const leased = attempt(command.which);
        return leased && broker.extendLeases(QUEUE, [leased]);
      }
      case "writeResult": {
        const leased = attempt(command.which);
        return leased && broker.writeResult(leased, Buffer.from(`result ${command.which}`));
      }
      case "recover": {
        const expired = [...(await broker.listExpired(QUEUE, ALL))].sort(byId);
        const leased = attempt(command.which);
        if (command.extendFirst && leased) await broker.extendLeases(QUEUE, [leased]);
        const recoveries = expired.map((each) => ({
          expired: each,
          settlement: command.kind === "retry" ? retry(each, now + command.after) : archive(each),
        }));
        return [expired.map(seen), await broker.recover(QUEUE, recoveries)];
      }
      case "forward": {
        const { moved, nextDueAt } = await broker.forward(QUEUE, ALL);
        return { moved, next: nextDueAt === undefined ? undefined : nextDueAt - now };
      }
      case "deleteExpired":
        return broker.deleteExpired(QUEUE, ALL);
      case "trimArchive":
        return broker.trimArchive(QUEUE, ALL);
      case "sweep": {
        const { leased, dropped } = await broker.sweep(QUEUE, ALL);
        return { leased: [...leased].sort(), dropped };
      }
      case "reclaim":
        return broker.reclaimAggregationSets(QUEUE);
      case "pause":
        return inspection.pauseQueue(QUEUE);
      case "unpause":
        return inspection.unpauseQueue(QUEUE);
      case "advance":
        return clock.advance(command.steps * STEP);
      case "wait":
        return clock.advance(LONG * STEP);
      case "change":
        return inspection.changeTasks(QUEUE, command.change, [command.id]);
      case "changeAll": {
        const part = { state: command.state, group: GROUP };
        return inspection.changeSome(QUEUE, command.change, part, ALL);
      }
      case "removeQueue":
        return removeQueue(inspection);
      case "dropLease":
      case "dropHash":
        return doDamage(command);
    }
  }

  async function look(): Promise<Look> {
    const now = broker.now();
    const record = await inspection.queueInfo(QUEUE);
    const tasks = await Promise.all(IDS.map((id) => inspection.taskInfo(QUEUE, id)));
    const active = await inspection.listTasks(QUEUE, "active", { page: 0, size: ALL });
    // Which task waits longest is a matter of order; the days of engines begin at different hours.
    const { latency, at, processed, failed, ...info } = record ?? {};
    return {
      info: record && info,
      orphaned: active?.flatMap(({ id, orphaned }) => (orphaned ? [id] : [])).sort(),
      tasks: tasks.map(
        (task) =>
          task && {
            id: task.id,
            state: task.state,
            message: task.message && seen({ message: task.message }),
            result: text(task.result),
            next: task.nextProcessAt === undefined ? undefined : task.nextProcessAt - now,
          },
      ),
    };
  }

  return {
    run: async (command) => [command, await answer(command), await look()],
    close: () => engine.close(),
  };
}

async function removeQueue({ removeQueue }: EngineHarness["inspection"]): Promise<unknown> {
  for (let cursor: string | undefined; ; ) {
    const step = await removeQueue(QUEUE, cursor);
    if (step.status !== "more") return step.status;
    cursor = step.cursor;
  }
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
function seen({ message }: Pick<Leased, "message">): object {
  const { id, retried, errorMsg, groupKey, uniqueKey } = message;
  return { id, retried, errorMsg, groupKey, uniqueKey };
}

function byId(a: Pick<Leased, "message">, b: Pick<Leased, "message">): number {
  return a.message.id < b.message.id ? -1 : 1;
}
