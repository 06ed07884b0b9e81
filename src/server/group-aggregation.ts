import type { AggregationRules, CommitAnswer, SetRef } from "../broker/aggregation.ts";
import type { Broker } from "../broker/broker.ts";
import type { EnqueueEntry } from "../broker/enqueue-entry.ts";
import { compose } from "../client/compose-message.ts";
import {
  AggregatorNotFoundError,
  AggregatorTimeoutError,
  DuplicateTaskError,
  InvalidOptionError,
  InvalidPayloadError,
  PayloadNotJsonError,
  TaskIdConflictError,
} from "../errors.ts";
import { MAX_PAYLOAD_BYTES } from "../payload.ts";
import type { TaskMessage } from "../protocol/task-message.ts";
import { floorSeconds } from "../protocol/units.ts";
import { sleep } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { receivedTask, Task } from "../task.ts";
import type { Aggregator } from "./aggregate.ts";
import type { AggregationPlan } from "./aggregation-plan.ts";
import type { ErrorHandler } from "./error-handler.ts";
import { errorText } from "./error-text.ts";
import { guarded } from "./guarded.ts";

export interface GroupAggregationOptions {
  readonly broker: Pick<Broker, "now" | "createAggregationSet" | "readAggregationSet" | "commitAggregation">;
  readonly plan: AggregationPlan;
  /** Makes a call to the store; answers `undefined` while it cannot be reached. */
  readonly ask: <T>(call: () => Promise<T>) => Promise<T | undefined>;
  readonly errorHandler: ErrorHandler | undefined;
  readonly runtime: Runtime;
  readonly logger: Logger;
}

/** What became of one set. */
export interface Aggregated {
  readonly queue: string;
  readonly group: string;
  /** How many tasks were aggregated. */
  readonly size: number;
  /** Ids of the aggregates: one, unless the group holds tasks of several aggregators; none if no task could be used. */
  readonly taskIds: readonly string[];
  /** Ids of the tasks that were archived instead. */
  readonly archived: readonly string[];
}

/** Of a set's two minutes, what is kept for its commit. The aggregator has the rest. Milliseconds. */
const COMMIT_TIME = 10_000;
/** Between two attempts at a commit whose answer was lost. */
const COMMIT_AGAIN = 1_000;

interface Part {
  readonly aggregator: Aggregator;
  readonly messages: TaskMessage[];
  readonly tasks: Task[];
}

/** Takes sets from groups and puts aggregates in their place. */
export class GroupAggregation {
  readonly #options: GroupAggregationOptions;

  constructor(options: GroupAggregationOptions) {
    this.#options = options;
  }

  /**
   * One set of a group, from its cut to its commit. `undefined`: it was not time, others were quicker, or the store does
   * not answer.
   *
   * @param signal - aborts the aggregator; members return when their set's time is up
   * @throws whatever the aggregator throws; AggregatorTimeoutError; what `Client.enqueue` throws for its task. Members return.
   */
  async run(
    queue: string,
    group: string,
    rules: AggregationRules,
    signal: AbortSignal,
  ): Promise<Aggregated | undefined> {
    const { broker, runtime, ask } = this.#options;
    const set: SetRef = { queue, group, id: runtime.uuid() };
    const made = await ask(() => broker.createAggregationSet(set, rules));
    if (made === undefined) return undefined;
    const members = await ask(() => broker.readAggregationSet(set));
    if (members === undefined) return undefined;

    const giveUpAt = runtime.clock.monotonic() + made.deadline - broker.now() - COMMIT_TIME;
    const { parts, rejected } = await this.#sort(group, members);
    const aggregates: EnqueueEntry[] = [];
    for (const part of parts) aggregates.push(await this.#aggregate(set, part, giveUpAt, signal));
    const aggregated = parts.flatMap(({ messages }) => messages);
    const answer = await this.#commit({ set, aggregates, aggregated, rejected }, giveUpAt + COMMIT_TIME);
    requireCommitted(answer, queue);
    if (answer?.status !== "committed") return undefined;

    const taken = new Set(aggregated.map(({ id }) => id));
    return {
      queue,
      group,
      size: aggregated.length,
      taskIds: aggregates.map(({ message }) => message.id),
      archived: members.filter(({ id }) => !taken.has(id)).map(({ id }) => id),
    };
  }

  /** Members by their aggregator, and those that nobody can use. */
  async #sort(group: string, members: readonly TaskMessage[]) {
    const parts = new Map<Aggregator, Part>();
    const rejected: TaskMessage[] = [];
    for (const message of members) {
      try {
        const aggregator = this.#options.plan.aggregatorFor(group, message.type);
        if (aggregator === undefined) throw new AggregatorNotFoundError(group, message.type);
        const { definition } = aggregator;
        const task =
          definition === undefined
            ? receivedTask(message)
            : receivedTask(message, { value: await definition.decode(message.payload) });
        const part = parts.get(aggregator) ?? { aggregator, messages: [], tasks: [] };
        part.messages.push(message);
        part.tasks.push(task);
        parts.set(aggregator, part);
      } catch (error) {
        rejected.push(this.#reject(message, error));
      }
    }
    return { parts: [...parts.values()], rejected };
  }

  /** @throws what is no fault of the task's: a schema that cannot validate just now. */
  #reject(message: TaskMessage, error: unknown): TaskMessage {
    const { broker, logger, errorHandler } = this.#options;
    const isItsOwn =
      error instanceof InvalidPayloadError ||
      error instanceof PayloadNotJsonError ||
      error instanceof AggregatorNotFoundError;
    if (!isItsOwn) throw error;
    const { id: taskId, type, queue, groupKey: group } = message;
    logger.error(
      { taskId, type, queue, group, error: errorText(error) },
      "task cannot be aggregated: archived",
    );
    if (errorHandler !== undefined) {
      const verdict = { outcome: "archive", reason: "invalid" } as const;
      guarded(logger, "errorHandler", () => errorHandler(error, receivedTask(message), undefined, verdict));
    }
    return { ...message, errorMsg: errorText(error), lastFailedAt: floorSeconds(broker.now()) };
  }

  async #aggregate(
    { queue, group }: SetRef,
    { aggregator, tasks }: Part,
    giveUpAt: number,
    signal: AbortSignal,
  ): Promise<EnqueueEntry> {
    const { broker, runtime } = this.#options;
    const time = giveUpAt - runtime.clock.monotonic();
    const combine = (own: AbortSignal) => aggregator.combine(group, tasks, { queue, signal: own });
    const task = await this.#within(time, new AggregatorTimeoutError(group), signal, combine);
    if (!(task instanceof Task)) {
      throw new InvalidOptionError("aggregator", `of group "${group}" did not return a task`);
    }
    const composer = {
      now: () => broker.now(),
      uuid: () => runtime.uuid(),
      maxPayloadBytes: MAX_PAYLOAD_BYTES,
    };
    const { entry } = await compose(task, { queue }, composer);
    if (entry.message.groupKey === group) {
      throw new InvalidOptionError("group", `an aggregate of "${group}" would be aggregated for ever`);
    }
    return entry;
  }

  /** Whatever the call does after its time goes by unheard, but for the signal that it was given. */
  #within<T>(
    ms: number,
    late: Error,
    signal: AbortSignal,
    call: (signal: AbortSignal) => T | PromiseLike<T>,
  ): Promise<T> {
    const own = new AbortController();
    return new Promise<T>((resolve, reject) => {
      const end = (reason: unknown) => {
        own.abort(reason);
        reject(reason);
      };
      const stop = () => end(signal.reason);
      if (signal.aborted) {
        stop();
        return;
      }
      signal.addEventListener("abort", stop);
      const cancel = this.#options.runtime.clock.setTimer(Math.max(0, ms), () => end(late));
      const called = async () => call(own.signal);
      called()
        .then(resolve, reject)
        .finally(() => {
          cancel();
          signal.removeEventListener("abort", stop);
        });
    });
  }

  /** Until the set's time is up: a commit whose answer was lost is asked for again. */
  async #commit(
    commit: Parameters<Broker["commitAggregation"]>[0],
    until: number,
  ): Promise<CommitAnswer | undefined> {
    const { broker, ask, runtime } = this.#options;
    for (let asked = false; ; asked = true) {
      const answer = await ask(() => broker.commitAggregation(commit));
      // It is this commit's own doing, unless nobody answered until the members had returned.
      if (answer?.status === "gone" && asked) return { status: "committed" };
      if (answer !== undefined || runtime.clock.monotonic() + COMMIT_AGAIN >= until) return answer;
      await sleep(runtime.clock, COMMIT_AGAIN);
    }
  }
}

function requireCommitted(answer: CommitAnswer | undefined, queue: string): void {
  if (answer?.status === "conflict") throw new TaskIdConflictError(queue, answer.taskId);
  if (answer?.status === "duplicate") throw new DuplicateTaskError(queue, answer.holder);
}
