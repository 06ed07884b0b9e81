import type { Broker, CallOptions } from "../../broker/broker.ts";
import { ClosedError, EngineUnavailableError } from "../../errors.ts";
import type { Clock } from "../../runtime/clock.ts";
import { checkSettlement } from "../check-settlement.ts";
import type { LeaseTimings } from "../timings.ts";
import { publishCancelation } from "./cancelation.ts";
import type { EngineDoor } from "./engine-door.ts";
import { enqueue } from "./enqueue.ts";
import { exchange } from "./exchange.ts";
import { forward } from "./forward.ts";
import { reclaimAggregationSets } from "./groups.ts";
import { extend, writeResult } from "./leases.ts";
import { deleteExpired, trimArchive } from "./maintain.ts";
import { clearServerState, writeServerState } from "./presence.ts";
import { listExpired, recover } from "./recover.ts";
import type { MemoryStore } from "./store.ts";
import type { StoredQueue } from "./stored-queue.ts";
import { sweep } from "./sweep.ts";
import { MemoryWatch } from "./watch.ts";

/** The phases of a task's life behind the engine's door. Each call runs to its end at once, so it is atomic. */
export function memoryBroker(
  store: MemoryStore,
  clock: Clock,
  timings: LeaseTimings,
  door: EngineDoor,
): Broker {
  const now = () => clock.now();
  const open = (queue: string): StoredQueue => {
    door.check();
    return store.queue(queue);
  };

  return {
    now,

    enqueue: async (entries, options) => {
      const error = refusal(door, options);
      if (error !== undefined) return entries.map(() => ({ status: "failed", error }));
      return entries.map((entry) => enqueue(store.queue(entry.message.queue), entry, now()));
    },

    exchange: async (name, outcomes, limit) => {
      const queue = open(name);
      for (const { settlement } of outcomes) checkSettlement(settlement);
      return exchange(store, queue, outcomes, limit, timings, now());
    },
    extendLeases: async (name, leased) => {
      const queue = open(name);
      return leased.map((each) => extend(queue, each, timings, now()));
    },
    writeResult: async (leased, result) => writeResult(open(leased.message.queue), leased, result),
    forward: async (queue, limit) => forward(open(queue), limit, now()),
    listExpired: async (queue, limit) => listExpired(open(queue), limit, timings, now()),
    recover: async (name, recoveries) => {
      const queue = open(name);
      for (const { settlement } of recoveries) checkSettlement(settlement);
      return recoveries.map((each) => recover(queue, each, now()));
    },
    sweep: async () => {
      door.check();
      return sweep();
    },
    reclaimAggregationSets: async (queue) => reclaimAggregationSets(open(queue), now()),
    deleteExpired: async (queue, limit) => deleteExpired(open(queue), limit, now()),
    trimArchive: async (queue, limit) => trimArchive(open(queue), limit, now()),

    watch: (wake) => {
      door.check();
      const watch = new MemoryWatch(store, wake, () => forget());
      const forget = door.onClose(() => watch.close());
      return watch;
    },

    writeServerState: async (info, workers, ttl) => {
      door.check();
      writeServerState(store, { info, workers, expiresAt: now() + ttl }, now());
    },
    clearServerState: async (server) => {
      door.check();
      clearServerState(store, server);
    },

    publishCancelation: async (taskId) => {
      door.check();
      publishCancelation(store, taskId);
    },
    subscribeCancelations: async (onCancel) => {
      door.check();
      // A function of its own, so that one callback may be subscribed twice.
      const listener = (taskId: string) => onCancel(taskId);
      store.cancelationListeners.add(listener);
      const forget = door.onClose(() => store.cancelationListeners.delete(listener));
      return async () => {
        forget();
        store.cancelationListeners.delete(listener);
      };
    },
  };
}

/** Why an enqueue is not even begun, if so. */
function refusal(door: EngineDoor, options: CallOptions | undefined): Error | undefined {
  if (door.closed) return new ClosedError("the engine");
  if (!options?.signal?.aborted) return undefined;
  return new EngineUnavailableError("the call was given up before it began", {
    cause: options.signal.reason,
  });
}
