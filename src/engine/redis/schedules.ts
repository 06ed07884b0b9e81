import type { EnqueueAnswer } from "../../broker/enqueue-entry.ts";
import type { ScheduleStore, StoredSchedules, Tick, TickAnswer } from "../../broker/schedule-store.ts";
import { DecodeError } from "../../errors.ts";
import {
  decodeSchedulerEnqueueEvent,
  decodeSchedulerEntry,
  encodeSchedulerEnqueueEvent,
  encodeSchedulerEntry,
  encodeTaskMessage,
} from "../../protocol/codec.ts";
import {
  ALL_QUEUES,
  ALL_SCHEDULERS,
  queueKeys,
  SCHEDULES,
  schedulerEntriesKey,
  schedulerHistoryKey,
  tickKey,
} from "../../protocol/keys.ts";
import { timestampMs } from "../../protocol/timestamp.ts";
import { ceilSeconds, floorSeconds, pendingSinceNs } from "../../protocol/units.ts";
import { EVENT_TTL, MOST_EVENTS } from "../schedule-bounds.ts";
import { type ClockWindow, withinClock } from "./clock-guard.ts";
import type { Cutoff } from "./cutoff.ts";
import { answerOf, pushEntry, register } from "./enqueue.ts";
import type { RedisArg, RedisCallOptions, RedisReply } from "./redis-commands.ts";
import type { RedisContext } from "./redis-context.ts";
import {
  changeSchedules,
  enqueueTick,
  listRecord,
  recordSchedulerEvent,
  writeSchedulerEntries,
} from "./scripts.gen.ts";

const ENTRY = "entry:";
const PAUSED = "paused:";
const VERSION = "version";

/** What schedulers share, `docs/protocol.md` 12 and 18.5. Its commands may be repeated after a lost answer. */
export function redisSchedules(context: RedisContext, cutoff: Cutoff): ScheduleStore {
  const { commands, clock, logger } = context;
  const change = async (changes: readonly (readonly [field: string, value: string])[]) =>
    (await changeSchedules.run(commands, { schedules: SCHEDULES }, { changes: changes.flat() })) as number;

  return {
    tickTime: () => cutoff.at(),
    enqueueTick: (tick) => enqueueOne(context, tick),

    async lastTick(queue, entryId) {
      const key = tickKey(queue, entryId);
      const value = await commands.command(key, "GET", [key]);
      const seconds = /^\d+(?= )/.exec(String(value ?? ""))?.[0];
      return seconds === undefined ? undefined : Number(seconds) * 1_000;
    },

    async writeEntries(schedulerId, entries, ttl) {
      const record = schedulerEntriesKey(schedulerId);
      const seconds = ceilSeconds(ttl);
      await Promise.all([
        // The heartbeat of a scheduler is also how its clock keeps up with Redis's.
        clock.measure(commands).catch((error: unknown) => {
          logger.debug({ error }, "the clock of Redis cannot be read; the last measurement stands");
        }),
        listRecord.run(
          commands,
          { index: ALL_SCHEDULERS },
          { expiry: floorSeconds(clock.now()) + seconds, record },
        ),
        writeSchedulerEntries.run(
          commands,
          { record },
          { ttl: seconds, entries: entries.map(encodeSchedulerEntry) },
        ),
      ]);
    },

    async clearEntries(schedulerId) {
      const record = schedulerEntriesKey(schedulerId);
      await Promise.all([
        commands.command(ALL_SCHEDULERS, "ZREM", [ALL_SCHEDULERS, record]),
        commands.command(record, "DEL", [record]),
      ]);
    },

    async listEntries() {
      const now = floorSeconds(clock.now());
      const alive = (await commands.command(ALL_SCHEDULERS, "ZRANGEBYSCORE", [
        ALL_SCHEDULERS,
        now,
        "+inf",
      ])) as Buffer[];
      const records = alive.map(String).filter((name) => name.startsWith(`${ALL_SCHEDULERS}:`));
      const lists = await Promise.all(records.map((name) => commands.command(name, "LRANGE", [name, 0, -1])));
      // Those of dead schedulers leave the index with the next look, as in Go.
      await commands.command(ALL_SCHEDULERS, "ZREMRANGEBYSCORE", [ALL_SCHEDULERS, "-inf", now - 1]);
      return (lists.flat() as Buffer[]).flatMap((bytes) => readable(() => decodeSchedulerEntry(bytes)));
    },

    async recordEvent(entryId, event) {
      await recordSchedulerEvent.run(
        commands,
        { history: schedulerHistoryKey(entryId) },
        {
          at: floorSeconds(timestampMs(event.enqueueTime) ?? 0),
          event: encodeSchedulerEnqueueEvent(event),
          most: MOST_EVENTS,
          ttl: ceilSeconds(EVENT_TTL),
        },
      );
    },

    async listEvents(entryId, { page, size }) {
      const history = schedulerHistoryKey(entryId);
      const first = page * size;
      const reply = await commands.command(history, "ZREVRANGE", [history, first, first + size - 1]);
      return (reply as Buffer[]).flatMap((bytes) => readable(() => decodeSchedulerEnqueueEvent(bytes)));
    },

    async storedSchedules(version) {
      if (version !== undefined) {
        const present = await commands.command(SCHEDULES, "HGET", [SCHEDULES, VERSION]);
        if (Number(present ?? 0) === version) return undefined;
      }
      return readSchedules((await commands.command(SCHEDULES, "HGETALL", [SCHEDULES])) as Buffer[]);
    },

    async putEntry({ id, definition }) {
      await change([[ENTRY + id, definition]]);
    },
    async removeEntry(id) {
      const had = (await commands.command(SCHEDULES, "HEXISTS", [SCHEDULES, ENTRY + id])) === 1;
      await change([
        [ENTRY + id, ""],
        [PAUSED + id, ""],
      ]);
      return had;
    },
    async setPaused(id, paused) {
      const was = (await change([[PAUSED + id, paused ? "1" : ""]])) === 1;
      return was !== paused;
    },
  };
}

async function enqueueOne(context: RedisContext, tick: Tick): Promise<TickAnswer> {
  const { commands, cluster } = context;
  const { entryId, at, task, memory, startedAt, digest, claimUntil } = tick;
  const { queue } = task.message;
  const names = queueKeys(queue);
  const { taskPrefix, uniquePrefix } = names;
  const message = encodeTaskMessage(task.message);
  let stored: EnqueueAnswer = { status: "conflict" };
  const run = ({ now, deadline }: ClockWindow, call: RedisCallOptions) => {
    const keys: string[] = [];
    const entries: RedisArg[] = ["", message];
    stored = pushEntry(task, now, names, keys, entries);
    return enqueueTick.run(
      commands,
      { ...names, tick: tickKey(queue, entryId), entries: keys },
      {
        queue,
        registry: cluster ? "" : ALL_QUEUES,
        now,
        deadline,
        pendingSince: pendingSinceNs(now),
        nowSeconds: floorSeconds(now),
        prefixLength: Buffer.byteLength(taskPrefix),
        uniquePrefix,
        at: floorSeconds(at),
        memory: ceilSeconds(memory),
        startedAt: Math.floor(startedAt),
        claimUntil: ceilSeconds(claimUntil),
        digest,
        entries,
      },
      call,
    );
  };
  if (cluster) await register(context, [queue]);
  const [status, fact = null] = (await withinClock(context, run)) as RedisReply[];
  const name = String(status);
  if (name === "taken") return { status: name, taskId: String(fact) };
  if (name === "superseded" || name === "early" || name === "late") return { status: name };
  const enqueued = answerOf(fact, stored);
  if (enqueued.status === "failed") throw enqueued.error;
  return { status: "used", enqueued };
}

function readSchedules(reply: readonly Buffer[]): StoredSchedules {
  const entries: { id: string; definition: string }[] = [];
  const paused = new Set<string>();
  let version = 0;
  for (let i = 0; i < reply.length; i += 2) {
    const [field, value] = [String(reply[i]), String(reply[i + 1])];
    if (field === VERSION) version = Number(value);
    else if (field.startsWith(ENTRY)) entries.push({ id: field.slice(ENTRY.length), definition: value });
    else if (field.startsWith(PAUSED)) paused.add(field.slice(PAUSED.length));
  }
  return { version, entries, paused };
}

/** What somebody else wrote and nobody can read is left out: it must not hide the rest. */
function readable<T>(read: () => T): T[] {
  try {
    return [read()];
  } catch (error) {
    if (error instanceof DecodeError) return [];
    throw error;
  }
}
