import { describe, expect, it } from "vitest";
import { encodeSchedulerEnqueueEvent, encodeSchedulerEntry } from "../../../src/protocol/codec.ts";
import { schedulerEntriesKey, schedulerHistoryKey, tickKey } from "../../../src/protocol/keys.ts";
import { NEVER, timestampOf } from "../../../src/protocol/timestamp.ts";
import { tickOf } from "../../contract/schedules.ts";
import { counts } from "../../contract/tasks.ts";
import { redisForFile } from "../../support/redis-rig.ts";
import { setFakeTime } from "./fake-time.ts";
import { guarded } from "./guarded.ts";
import { harnessesOn, type RedisHarness } from "./harness.ts";

const redis = await redisForFile();
const open = harnessesOn(redis);

const q = "default";
const script = "enqueue_tick";
const MINUTE = 60_000;
const minute = ({ clock }: RedisHarness) => Math.floor(clock.now() / MINUTE) * MINUTE;
const status = async ({ engine }: RedisHarness, ...[at, fields]: [number, Parameters<typeof tickOf>[2]?]) =>
  (await engine.schedules.enqueueTick(tickOf(q, at, fields))).status;

describe("a tick", () => {
  guarded(
    redis,
    "is used once",
    { script, text: "at <= tonumber(last)", instead: "false" },
    async (engine) => {
      expect(await status(engine, minute(engine))).toBe("used");
      expect(await status(engine, minute(engine))).toBe("taken");
    },
  );

  guarded(
    redis,
    "is not used before its time",
    { script, text: "at > present + 2", instead: "false" },
    async (engine) => {
      expect(await status(engine, minute(engine) + MINUTE + 3_000)).toBe("early");
    },
  );

  guarded(
    redis,
    "that may have been forgotten is refused",
    { script, text: "at < present - memory / 2", instead: "false" },
    async (engine) => {
      expect(await status(engine, minute(engine), { memory: 10 * MINUTE })).toBe("used");
      const [again] = [minute(engine)];
      await engine.clock.advance(11 * MINUTE);
      expect(await status(engine, again, { memory: 10 * MINUTE })).toBe("late");
    },
  );

  guarded(
    redis,
    "of a clock that was far ahead holds up no later one",
    { script, text: "last and tonumber(last) <= present + 60", instead: "last" },
    async (engine) => {
      const wrong = Math.floor(engine.clock.now() / 1_000) + 3_600;
      await engine.client.set(tickKey(q, "e"), `${wrong} 1 ${wrong} a1 task`);
      expect(await status(engine, minute(engine))).toBe("used");
    },
  );

  guarded(
    redis,
    "of an older scheduler gives way to a newer one that means something else",
    { script, text: "meaning ~= digest and tonumber(started) > started_at and", instead: "false and" },
    async (engine) => {
      const claimUntil = minute(engine) + 10 * MINUTE;
      expect(await status(engine, minute(engine) - MINUTE, { startedAt: 2, digest: "b", claimUntil })).toBe(
        "used",
      );
      expect(await status(engine, minute(engine), { startedAt: 1 })).toBe("superseded");
    },
  );

  guarded(
    redis,
    "of an older scheduler counts again when the newer one does not come",
    { script, text: "and tonumber(claim) >= present", instead: "" },
    async (engine) => {
      const claimUntil = minute(engine) - 1_000;
      expect(await status(engine, minute(engine) - MINUTE, { startedAt: 2, digest: "b", claimUntil })).toBe(
        "used",
      );
      expect(await status(engine, minute(engine), { startedAt: 1 })).toBe("used");
    },
  );

  guarded(
    redis,
    "of an older scheduler does not take the right of a newer one that means the same",
    { script, text: "started_at = tonumber(started)", instead: "" },
    async (engine) => {
      const at = minute(engine);
      const claimUntil = at + 10 * MINUTE;
      expect(await status(engine, at - 2 * MINUTE, { startedAt: 3, claimUntil })).toBe("used");
      expect(await status(engine, at - MINUTE, { startedAt: 1, claimUntil })).toBe("used");
      expect(await status(engine, at, { startedAt: 2, digest: "b", claimUntil })).toBe("superseded");
    },
  );

  guarded(
    redis,
    "is left when its task cannot be stored",
    { script, text: "type(answer) ~= 'table'", instead: "true" },
    async (engine) => {
      await engine.client.set("asynq:{default}:pending", "no list");
      await expect(status(engine, minute(engine))).rejects.toMatchObject({ code: "REDIS_WRONG_TYPE" });
      await engine.client.del("asynq:{default}:pending");
      expect(await status(engine, minute(engine))).toBe("used");
    },
  );

  guarded(
    redis,
    "is not used for a caller that has given up long ago",
    { script, text: "if clock_differs(now, deadline) then", instead: "if false then" },
    async (engine) => {
      await setFakeTime(engine.client, engine.clock.now() + 60_000);
      await expect(status(engine, minute(engine))).rejects.toMatchObject({ code: "ENGINE_UNAVAILABLE" });
      await setFakeTime(engine.client, engine.clock.now());
      expect(await counts(engine, q)).toEqual({});
    },
  );

  it("is remembered for as long as was asked, whatever stood there before", async () => {
    const engine = await open();
    await engine.client.lpush(tickKey(q, "e"), "no tick");
    expect(await status(engine, minute(engine), { memory: 240_500 })).toBe("used");
    const left = await engine.client.ttl(tickKey(q, "e"));
    expect(left).toBeLessThanOrEqual(241);
    expect(left).toBeGreaterThan(200);
    expect(await engine.engine.schedules.lastTick(q, "e")).toBe(minute(engine));
  });
});

describe("what Go's tools read", () => {
  const entry = {
    id: "e",
    spec: "@every 30s",
    taskType: "report:build",
    taskPayload: Buffer.from("{}"),
    enqueueOptions: ['Queue("low")'],
    nextEnqueueTime: timestampOf(1_700_000_030_000),
    prevEnqueueTime: NEVER,
  };

  guarded(
    redis,
    "lists the entries under the scheduler's name, for whole seconds",
    { script: "write_scheduler_entries", text: "redis.call('EXPIRE', record, ttl)" },
    async (engine) => {
      await engine.engine.schedules.writeEntries("host:1:id", [entry, { ...entry, id: "f" }], 1_500);
      const key = schedulerEntriesKey("host:1:id");
      expect(key).toBe("asynq:schedulers:{host:1:id}");
      expect([1, 2]).toContain(await engine.client.ttl(key));
      expect(await engine.client.lrangeBuffer(key, 0, -1)).toEqual([
        encodeSchedulerEntry(entry),
        encodeSchedulerEntry({ ...entry, id: "f" }),
      ]);
      const expiry = Math.floor(engine.clock.now() / 1_000) + 2;
      expect(await engine.client.zrange("asynq:schedulers", "0", "-1", "WITHSCORES")).toEqual([
        key,
        `${expiry}`,
      ]);
    },
  );

  guarded(
    redis,
    "keeps an event for 90 days, by the second of its enqueue",
    { script: "record_scheduler_event", text: "redis.call('EXPIRE', history, ttl)" },
    async (engine) => {
      const event = { taskId: "task", enqueueTime: timestampOf(1_700_000_030_005) };
      await engine.engine.schedules.recordEvent("e", event);
      const key = schedulerHistoryKey("e");
      const left = await engine.client.ttl(key);
      expect(left).toBeLessThanOrEqual(90 * 86_400);
      expect(left).toBeGreaterThan(90 * 86_400 - 60);
      const [member, score] = await engine.client.zrangeBuffer(key, "0", "-1", "WITHSCORES");
      expect(member).toEqual(encodeSchedulerEnqueueEvent(event));
      expect(String(score)).toBe("1700000030");
    },
  );

  it("is read back with what a Go scheduler wrote, and without what nobody can read", async () => {
    const engine = await open();
    const { client } = engine;
    const goEntry = { ...entry, id: "go" };
    await client.zadd(
      "asynq:schedulers",
      Math.floor(engine.clock.now() / 1_000) + 20,
      "asynq:schedulers:{go:1:x}",
    );
    await client.lpush("asynq:schedulers:{go:1:x}", encodeSchedulerEntry(goEntry), Buffer.from([0xff]));
    await client.expire("asynq:schedulers:{go:1:x}", 20);
    await client.zadd("asynq:schedulers", 5, "asynq:schedulers:{dead:1:x}");
    expect(await engine.engine.schedules.listEntries()).toEqual([goEntry]);
    expect(await client.zrange("asynq:schedulers", "0", "-1")).toEqual(["asynq:schedulers:{go:1:x}"]);
  });
});
