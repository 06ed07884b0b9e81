import type { EnqueueAnswer } from "../../broker/enqueue-entry.ts";
import type { ScheduleStore, Tick, TickAnswer } from "../../broker/schedule-store.ts";
import type { Clock } from "../../runtime/clock.ts";
import { EARLY_LIMIT, EVENT_TTL, FUTURE_LIMIT, MOST_EVENTS } from "../schedule-bounds.ts";
import type { EmbeddedStore, Transactions } from "./embedded-store.ts";
import { enqueue } from "./enqueue.ts";

/** What schedulers share, on tables within the process's own reach; each call is one piece of work on the store. */
export function embeddedSchedules(transactions: Transactions, clock: Clock): ScheduleStore {
  const now = () => clock.now();
  return {
    tickTime: now,
    enqueueTick: (tick) => transactions.write((store) => enqueueTick(store, tick, now())),
    lastTick: (queue, entryId) =>
      transactions.read((store) => store.schedules.lastTick(queue, entryId, now())?.at),

    writeEntries: (schedulerId, entries, ttl) =>
      transactions.write(({ schedules }) => schedules.writeEntries(schedulerId, entries, now() + ttl, now())),
    clearEntries: (schedulerId) => transactions.write(({ schedules }) => schedules.clearEntries(schedulerId)),
    listEntries: () => transactions.read(({ schedules }) => schedules.listEntries(now())),

    recordEvent: (entryId, event) =>
      transactions.write(({ schedules }) =>
        schedules.recordEvent(entryId, event, MOST_EVENTS, now() - EVENT_TTL),
      ),
    listEvents: (entryId, { page, size }) =>
      transactions.read(({ schedules }) => schedules.listEvents(entryId, page * size, size)),

    storedSchedules: async (version) => {
      const stored = await transactions.read(({ schedules }) => schedules.storedSchedules());
      return stored.version === version ? undefined : stored;
    },
    putEntry: ({ id, definition }) =>
      transactions.write(({ schedules }) => void schedules.setDefinition(id, definition)),
    removeEntry: (id) =>
      transactions.write(({ schedules }) => {
        schedules.setPaused(id, false);
        return schedules.setDefinition(id, undefined);
      }),
    setPaused: (id, paused) => transactions.write(({ schedules }) => schedules.setPaused(id, paused)),
  };
}

/** The rules of `docs/protocol.md` 18.5, as `enqueue_tick.lua` has them for Redis. */
function enqueueTick(store: EmbeddedStore, tick: Tick, now: number): TickAnswer {
  const { entryId, at, task, memory, startedAt, claimUntil, digest } = tick;
  const { queue, id: taskId } = task.message;
  if (at > now + EARLY_LIMIT) return { status: "early" };
  if (at < now - memory / 2) return { status: "late" };

  const stored = store.schedules.lastTick(queue, entryId, now);
  const last = stored !== undefined && stored.at <= now + FUTURE_LIMIT ? stored : undefined;
  const differs = last !== undefined && last.digest !== digest;
  if (last !== undefined && at <= last.at) {
    // The older one was quicker this time. From the next tick on the newer meaning holds.
    if (differs && last.startedAt < startedAt) {
      store.schedules.writeTick(
        queue,
        entryId,
        { ...last, startedAt, claimUntil, digest },
        now + memory,
        now,
      );
    }
    return { status: "taken", taskId: last.taskId };
  }
  if (differs && last.startedAt > startedAt && last.claimUntil >= now) return { status: "superseded" };

  const enqueued = enqueue(store.queue(queue), task, now) as Exclude<EnqueueAnswer, { status: "failed" }>;
  const newest = last === undefined || differs ? startedAt : Math.max(startedAt, last.startedAt);
  const record = { at, startedAt: newest, claimUntil, digest, taskId };
  store.schedules.writeTick(queue, entryId, record, now + memory, now);
  return { status: "used", enqueued };
}
