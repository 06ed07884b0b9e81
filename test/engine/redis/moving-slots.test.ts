import { isDeepStrictEqual } from "node:util";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import type { Broker } from "../../../src/broker/broker.ts";
import { keySlot } from "../../../src/engine/redis/key-slot.ts";
import { createRedisEngine } from "../../../src/engine/redis/redis-engine.ts";
import { queueKeys } from "../../../src/protocol/keys.ts";
import { silentLogger } from "../../../src/runtime/logger.ts";
import { ClusterRig } from "../../support/cluster-rig.ts";

const cluster = await ClusterRig.start();
afterAll(() => cluster.stop());
beforeEach(() => cluster.flush());

const q = "moving";
const keys = queueKeys(q);
const group = `${keys.groupPrefix}g`;
const set = `${group}:11111111-2222-4333-8444-555555555555`;
const id = "victim";
const task = keys.taskPrefix + id;

type Client = ReturnType<ClusterRig["client"]>;

/** Where the victim waits when its slot begins to move, and what looks at it then. */
interface Scenario {
  readonly script: string;
  readonly arrange: (client: Client) => Promise<unknown>;
  readonly call: (broker: Broker) => Promise<unknown>;
}

const state = (name: string) => async (client: Client) =>
  client.hset(task, { msg: Buffer.from("bytes"), state: name });

const scenarios: readonly Scenario[] = [
  {
    script: "list_expired",
    arrange: async (client) => {
      await state("active")(client);
      await client.lpush(keys.active, id);
      await client.zadd(keys.lease, 1, id);
    },
    call: (broker) => broker.listExpired(q, 10),
  },
  {
    script: "sweep",
    arrange: async (client) => {
      await state("active")(client);
      await client.lpush(keys.active, id);
      await client.zadd(keys.lease, 1e10, "another");
    },
    call: (broker) => broker.sweep(q, 10),
  },
  {
    script: "forward",
    arrange: async (client) => {
      await state("scheduled")(client);
      for (const key of [keys.scheduled, keys.retry, keys.due, keys.lease])
        await client.zadd(key, 1e13, "another");
      await client.zadd(keys.scheduled, 1, id);
      await client.lpush(keys.pending, "another");
      await client.sadd(keys.groups, "another");
    },
    call: (broker) => broker.forward(q, 10),
  },
  {
    script: "delete_expired",
    arrange: async (client) => {
      await state("completed")(client);
      await client.zadd(keys.completed, 1, id);
    },
    call: (broker) => broker.deleteExpired(q, 10),
  },
  {
    script: "trim_archive",
    arrange: async (client) => {
      await state("archived")(client);
      await client.zadd(keys.archived, 1, id);
    },
    call: (broker) => broker.trimArchive(q, 10),
  },
  {
    script: "reclaim_aggregation_sets",
    arrange: async (client) => {
      await client.zadd(set, 1, id);
      await client.zadd(keys.aggregationSets, 1, set);
      await client.sadd(keys.groups, "another");
    },
    call: (broker) => broker.reclaimAggregationSets(q),
  },
];

/** What a script declares: the containers, not what they name. */
const names = [
  keys.active,
  keys.lease,
  keys.scheduled,
  keys.retry,
  keys.due,
  keys.pending,
  keys.groups,
].concat(keys.completed, keys.archived, keys.aggregationSets);

const GUARD = "if slot_is_moving then\nreturn try_again()\nend\n";

/**
 * Calls while the containers are on the new node already, and the task on the old one. Answers what the call answered,
 * and whether all is as it was once everything has arrived.
 */
async function moved({ arrange, call }: Scenario, without = ""): Promise<[answer: unknown, same: boolean]> {
  const client = cluster.client();
  const scriptSource = (source: string) => (without === "" ? source : source.split(without).join(""));
  const options = { logger: silentLogger, commandTimeout: "500ms" } as const;
  const engine = createRedisEngine(cluster.url, options, { scriptSource });
  const contents = () => Promise.all([...names, task, set, group].map((key) => client.dumpBuffer(key)));
  await arrange(client);
  await engine.open();
  try {
    const before = await contents();
    let answer: unknown;
    const between = async () => {
      answer = await call(engine.broker).catch((error: unknown) => error);
    };
    await cluster.migrate(keySlot(task), between, (key) => names.includes(key));
    return [answer, isDeepStrictEqual(await contents(), before)];
  } finally {
    await engine.close();
    client.disconnect();
  }
}

describe("on the node to which a slot moves, a task that has not arrived yet", () => {
  for (const scenario of scenarios) {
    it(`is not taken for a ghost by ${scenario.script}`, async () => {
      const [answer, same] = await moved(scenario);
      expect(answer).toMatchObject({ code: "ENGINE_UNAVAILABLE" });
      expect(same).toBe(true);
      // By its guard alone.
      await cluster.flush();
      const [, unguarded] = await moved(scenario, GUARD);
      expect(unguarded).toBe(false);
    });
  }
});
