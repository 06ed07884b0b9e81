import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { queueKeys } from "../../src/protocol/keys.ts";
import { openMemory } from "../engine/memory/memory-harness.ts";
import type { Guard } from "../engine/redis/guarded.ts";
import { openRedis, type RedisHarness } from "../engine/redis/harness.ts";
import { openSqlite } from "../engine/sqlite/sqlite-harness.ts";
import { assertInvariants } from "../support/invariants.ts";
import { redisForFile } from "../support/redis-rig.ts";
import { type Command, commandRuns, type Damage, QUEUE } from "./commands.ts";
import { engineSide } from "./engine-side.ts";
import { Model } from "./model.ts";
import type { Side } from "./side.ts";

const redis = await redisForFile();
const TIMEOUT = 180_000;

/** Does each command to the model and to an engine; answers and looks must be the same after every one. */
function agrees(open: () => Promise<Side>, options = { damage: false }): fc.IAsyncProperty<[Command[]]> {
  return fc.asyncProperty(commandRuns(options), async (commands) => {
    const model = new Model();
    const engine = await open();
    try {
      for (const command of commands) {
        const wanted = await model.run(command);
        expect(await engine.run(command)).toEqual(wanted);
      }
    } finally {
      await engine.close();
    }
  });
}

const memory = async () => engineSide(await openMemory());

/** After each run its data are looked through, for what no answer shows. */
async function soundRedis(): Promise<Side> {
  // A run of commands may wait for 90 days again and again.
  const harness = await openRedis(redis, { startDaysAgo: 6_000 });
  const side = await engineSide(harness);
  return {
    ...side,
    close: async () => {
      try {
        await assertInvariants(harness.client);
      } finally {
        await side.close();
      }
    },
  };
}

async function redisSide(options?: Parameters<typeof openRedis>[1]): Promise<Side> {
  const harness = await openRedis(redis, options);
  const side = await engineSide(harness, (damage) => doDamage(harness, damage));
  return {
    ...side,
    close: async () => {
      // What was damaged here is not for the checker of the invariants.
      await harness.client.flushall();
      await side.close();
    },
  };
}

async function doDamage({ client }: RedisHarness, damage: Damage): Promise<boolean> {
  const { active, lease, pending, taskPrefix } = queueKeys(QUEUE);
  const { id } = damage;
  if (damage.do === "dropLease") {
    const isActive = (await client.lpos(active, id)) !== null;
    await client.zrem(lease, id);
    return isActive;
  }
  const waits =
    (await client.lpos(pending, id)) !== null && (await client.hget(taskPrefix + id, "state")) === "pending";
  if (waits) await client.del(taskPrefix + id);
  return waits;
}

describe("an engine does what the model does", () => {
  it("the memory engine", () => fc.assert(agrees(memory), { numRuns: 2_000 }), TIMEOUT);

  it(
    "the SQLite engine",
    async () => {
      await fc.assert(
        agrees(async () => engineSide(await openSqlite())),
        { numRuns: 150 },
      );
    },
    TIMEOUT,
  );

  it(
    "the Redis engine",
    async () => {
      await fc.assert(agrees(soundRedis), { numRuns: 150 });
    },
    TIMEOUT,
  );

  it(
    "the Redis engine, while leases and tasks get lost",
    async () => {
      await fc.assert(agrees(redisSide, { damage: true }), { numRuns: 150 });
    },
    TIMEOUT,
  );
});

/** Defects of asynq's scripts, put back into ours: the model must see each. docs/reliability.md 4. */
const MUTANTS: Readonly<Record<string, Guard>> = {
  "V1, a lost lease fails the finish": {
    script: "exchange",
    text: "if why == UNLEASED and proven then",
    instead: "if false then",
  },
  "V2, finishing goes by id alone": {
    script: "exchange",
    text: "if fraction == tonumber(wanted) % 1 then",
    instead: "if true then",
  },
  "V4, the lock is taken before the id is looked at": {
    script: "enqueue",
    text: "local taken = is_taken(entry.task, entry.id)\n",
    instead:
      "local taken = is_taken(entry.task, entry.id)\n" +
      "if entry.lock then redis.call('SET', entry.lock, entry.id, 'NX', 'PX', entry.ttl) end\n",
  },
  "V6, an id without a hash is leased": {
    script: "exchange",
    text: "local message, state = fields[1], fields[2]",
    instead: "local message, state = fields[1] or '', fields[2] or 'pending'",
  },
  "V8, an archived task that is trimmed keeps its hash": {
    script: "trim_archive",
    text: "redis.call('DEL', task_prefix .. id)\n",
  },
  "V9, a group is not listed": { script: "forward", text: "redis.call('SADD', groups, task.group)\n" },
};

describe("the model sees", () => {
  for (const [name, { script, text, instead = "" }] of Object.entries(MUTANTS)) {
    it(
      name,
      async () => {
        let found = 0;
        const scriptSource = (source: string, of: string): string => {
          if (of !== script) return source;
          const parts = source.split(text);
          found = parts.length - 1;
          return parts.join(instead);
        };
        const property = agrees(() => redisSide({ scriptSource }), { damage: true });
        const { failed } = await fc.check(property, { numRuns: 300, endOnFailure: true });
        expect(found).toBe(1);
        expect(failed).toBe(true);
      },
      TIMEOUT,
    );
  }
});
