import type { Broker } from "../../broker/broker.ts";
import type { EnqueueAnswer } from "../../broker/enqueue-entry.ts";
import { EngineUnavailableError } from "../../errors.ts";
import { encodeTaskMessage } from "../../protocol/codec.ts";
import type { Clock } from "../../runtime/clock.ts";
import { checkSettlement } from "../check-settlement.ts";
import type { LeaseTimings } from "../timings.ts";
import { commitAggregation, createAggregationSet, listGroups, readAggregationSet } from "./aggregate.ts";
import type { EmbeddedQueue, Transactions } from "./embedded-store.ts";
import { enqueue } from "./enqueue.ts";
import { exchange } from "./exchange.ts";
import { forward } from "./forward.ts";
import { extend, writeResult } from "./leases.ts";
import { deleteExpired, trimArchive } from "./maintain.ts";
import { listExpired, recover } from "./recover.ts";

/** How an engine listens for news, which is its own. */
export type News = Pick<Broker, "watch" | "subscribeCancelations">;

/** The phases of a task's life behind the engine's door; each call is one piece of work on the store. */
export function embeddedBroker(
  transactions: Transactions,
  news: News,
  clock: Clock,
  timings: LeaseTimings,
): Broker {
  const now = () => clock.now();
  const on = <T>(name: string, work: (queue: EmbeddedQueue) => T): Promise<T> =>
    transactions.write((store) => work(store.queue(name)));

  return {
    now,

    enqueue: async (entries, { signal } = {}) => {
      try {
        if (signal?.aborted) throw givenUp(signal);
        const encoded = entries.map(({ message }) => encodeTaskMessage(message));
        return await transactions.write(
          (store) =>
            entries.map((entry, i) => enqueue(store.queue(entry.message.queue), entry, now(), encoded[i])),
          signal,
        );
      } catch (error) {
        return entries.map(() => failed(error));
      }
    },

    exchange: async (name, outcomes, limit) => {
      for (const { settlement } of outcomes) checkSettlement(settlement);
      return transactions.write((store) =>
        exchange(store, store.queue(name), outcomes, limit, timings, now()),
      );
    },
    extendLeases: (name, leased) =>
      on(name, (queue) => leased.map((each) => extend(queue, each, timings, now()))),
    writeResult: (leased, result) => on(leased.message.queue, (queue) => writeResult(queue, leased, result)),
    forward: (name, limit) => on(name, (queue) => forward(queue, limit, now())),
    listExpired: (name, limit) => on(name, (queue) => listExpired(queue, limit, timings, now())),
    recover: async (name, recoveries) => {
      for (const { settlement } of recoveries) checkSettlement(settlement);
      return on(name, (queue) => recoveries.map((each) => recover(queue, each, now())));
    },
    // Nothing to repair: in these stores a task is active by having a lease.
    sweep: (name) => on(name, () => ({ leased: [], dropped: [], more: false })),
    listGroups: (name, cursor) => on(name, (queue) => listGroups(queue, cursor)),
    createAggregationSet: (set, rules) =>
      on(set.queue, (queue) => createAggregationSet(queue, set, rules, now())),
    readAggregationSet: (set) => on(set.queue, (queue) => readAggregationSet(queue, set)),
    commitAggregation: (commit) => on(commit.set.queue, (queue) => commitAggregation(queue, commit, now())),
    reclaimAggregationSets: (name) => on(name, (queue) => queue.reclaimAggregationSets(now())),
    deleteExpired: (name, limit) => on(name, (queue) => deleteExpired(queue, limit, now())),
    trimArchive: (name, limit) => on(name, (queue) => trimArchive(queue, limit, now())),

    watch: (wake) => news.watch(wake),
    subscribeCancelations: (onCancel) => news.subscribeCancelations(onCancel),

    writeServerState: (info, workers, ttl) =>
      transactions.write((store) => store.writeServer({ info, workers, expiresAt: now() + ttl }, now())),
    clearServerState: (server) => transactions.write((store) => store.clearServer(server)),
    publishCancelation: (taskId) => transactions.write((store) => store.publishCancelation(taskId, now())),
  };
}

export function givenUp(signal: AbortSignal): EngineUnavailableError {
  return new EngineUnavailableError("the call was given up before it began", { cause: signal.reason });
}

function failed(error: unknown): EnqueueAnswer {
  return { status: "failed", error: error instanceof Error ? error : new Error(String(error)) };
}
