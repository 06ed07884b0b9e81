import { isDeepStrictEqual } from "node:util";
import { Cluster } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Broker, Leased } from "../../../src/broker/broker.ts";
import type { Engine } from "../../../src/broker/engine.ts";
import type { Duration } from "../../../src/duration.ts";
import { keySlot } from "../../../src/engine/redis/key-slot.ts";
import { createRedisEngine } from "../../../src/engine/redis/redis-engine.ts";
import { exchange } from "../../../src/engine/redis/scripts.gen.ts";
import { queueKeys } from "../../../src/protocol/keys.ts";
import { silentLogger } from "../../../src/runtime/logger.ts";
import {
  attempts,
  counts,
  done,
  enqueued,
  ids,
  requeue,
  retry,
  running,
  settled,
} from "../../contract/tasks.ts";
import { ClusterRig } from "../../support/cluster-rig.ts";
import { RespProxy } from "../../support/resp-proxy.ts";

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

type Which = (key: string) => boolean;

const containers: Which = (key) => names.includes(key);
const others: Which = (key) => !names.includes(key);

/**
 * Calls while the keys that `first` names are on the new node already, and all others on the old one. Answers what the
 * call answered, and whether all is as it was once everything has arrived.
 */
async function moved(
  { arrange, call }: Scenario,
  first: Which,
  without = "",
): Promise<[answer: unknown, same: boolean]> {
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
    await cluster.migrate(keySlot(task), between, first);
    return [answer, isDeepStrictEqual(await contents(), before)];
  } finally {
    await engine.close();
    client.disconnect();
  }
}

for (const [where, first] of [
  ["on the node to which a slot moves, a task that has not arrived yet", containers],
  ["on the node from which a slot moves, a task that has left already", others],
] as const) {
  describe(where, () => {
    for (const scenario of scenarios) {
      it(`is not taken for a ghost by ${scenario.script}`, async () => {
        const [answer, same] = await moved(scenario, first);
        expect(answer).toMatchObject({ code: "ENGINE_UNAVAILABLE" });
        expect(same).toBe(true);
        // By its guard alone.
        await cluster.flush();
        const [, unguarded] = await moved(scenario, first, GUARD);
        expect(unguarded).toBe(false);
      });
    }
  });
}

/** How often nodes have answered TRYAGAIN since they began. */
async function refusals(): Promise<number> {
  let sum = 0;
  for (const node of cluster.nodes) {
    const client = node.client();
    sum += Number(/^errorstat_TRYAGAIN:count=(\d+)/m.exec(await client.info("errorstats"))?.[1] ?? 0);
    client.disconnect();
  }
  return sum;
}

/** Makes a call while the slot of the queue moves that Redis refuses then; answers what it answers in the end. */
async function duringMove<T>(call: () => Promise<T>, first?: Which): Promise<T> {
  let answer: Promise<T> | undefined;
  const between = async () => {
    const before = await refusals();
    answer = call();
    // A failure shows below, where it is waited for.
    answer.catch(() => undefined);
    await expect.poll(refusals, { timeout: 5_000 }).toBeGreaterThan(before);
  };
  await cluster.migrate(keySlot(task), between, first);
  return answer as Promise<T>;
}

describe("an exchange while its slot moves", () => {
  for (const [what, first] of [
    ["half of the keys have arrived", undefined],
    ["the containers have arrived, and the tasks have not", containers],
    ["the tasks have arrived, and the containers have not", others],
  ] as const) {
    it(`waits for the end of the move, then settles and leases each task once, where ${what}`, async () => {
      const engine = createRedisEngine(cluster.url, { logger: silentLogger });
      const client = cluster.client();
      try {
        const a = await running(engine, q);
        const b = await running(engine, q);
        const c = await running(engine, q);
        const waiting = await enqueued(engine, q);
        const outcomes = [
          { leased: a, settlement: done },
          { leased: b, settlement: requeue },
          { leased: c, settlement: retry(c, engine.broker.now() + 60_000) },
        ];
        const result = await duringMove(() => engine.broker.exchange(q, outcomes, 5), first);
        expect(result.answers).toEqual(["settled", "settled", "settled"]);
        expect(ids(result.leased)).toEqual([waiting]);
        expect(result.dropped).toEqual([]);
        expect(await counts(engine, q)).toEqual({ pending: 1, active: 1, retry: 1 });
        expect(await attempts(engine, q)).toEqual({ processed: 2, failed: 1 });
        const tasks = await client.exists(...ids([b, c]).map((id) => keys.taskPrefix + id), keys.lease);
        expect(tasks).toBe(3);
      } finally {
        await engine.close();
        client.disconnect();
      }
    });
  }
});

describe("tasks that an exchange leased while its reply was lost, and whose slot moves", () => {
  const proxies: RespProxy[] = [];
  let source: Cluster;
  beforeAll(async () => {
    for (const { port } of cluster.nodes) proxies.push(await RespProxy.start(port));
    const behind = cluster.nodes.map(({ port }, i) => [
      `127.0.0.1:${port}`,
      { host: "127.0.0.1", port: proxies[i]?.port ?? 0 },
    ]);
    const seeds = proxies.map(({ port }) => ({ host: "127.0.0.1", port }));
    source = new Cluster(seeds, { natMap: Object.fromEntries(behind), lazyConnect: true });
  });
  afterAll(async () => {
    for (const proxy of proxies) await proxy.stop();
  });

  interface Lost {
    readonly engine: Engine;
    readonly id: string;
  }

  /** An engine on the Cluster that has leased a task and does not know of it. */
  async function lose(commandTimeout: Duration, change: (source: string) => string): Promise<Lost> {
    const scriptSource = (source: string, name: string) => (name === "lost_grants" ? change(source) : source);
    const engine = createRedisEngine(source, { logger: silentLogger, commandTimeout }, { scriptSource });
    const id = await enqueued(engine, q);
    const rules = proxies.map((proxy) =>
      proxy.rule({ script: exchange.sha1 }, { do: "drop-reply-then-close" }),
    );
    await expect(engine.broker.exchange(q, [], 1)).rejects.toMatchObject({ code: "ENGINE_UNAVAILABLE" });
    for (const proxy of proxies) proxy.heal();
    expect(rules.map(({ fired }) => fired).sort()).toEqual([0, 0, 1]);
    return { engine, id };
  }

  const asIs = (source: string) => source;

  for (const [what, first] of [
    ["have not arrived yet", containers],
    ["have left already", others],
  ] as const) {
    it(`come with the exchange that was sent meanwhile, where they ${what}`, async () => {
      const { engine, id } = await lose("5s", asIs);
      const { leased } = await duringMove(() => engine.broker.exchange(q, [], 1), first);
      expect(ids(leased)).toEqual([id]);
      await settled(engine, leased[0] as Leased, done);
      await engine.close();
    });
  }

  /**
   * Whether the task is back in its queue in the end, though the lost exchange was asked for in the middle of the move
   * and past its deadline: what is not found then counts as never leased.
   */
  async function comesBack(first: Which, change = asIs): Promise<boolean> {
    const client = cluster.client();
    const { engine, id } = await lose("500ms", change);
    await cluster.migrate(
      keySlot(task),
      async () => {
        for (let call = 0; call < 3; call += 1) {
          const refused = engine.broker.exchange(q, [], 1);
          await expect(refused).rejects.toMatchObject({ code: "ENGINE_UNAVAILABLE" });
        }
      },
      first,
    );
    await engine.close();
    const waiting = await client.lrange(keys.pending, 0, -1);
    const active = await client.lrange(keys.active, 0, -1);
    expect([...waiting, ...active]).toEqual([id]);
    client.disconnect();
    return waiting.length === 1;
  }

  for (const [what, first, guard, instead] of [
    ["have not arrived yet", containers, GUARD, ""],
    ["have left already", others, "if is_refused(fields) then\nreturn try_again()\nelseif ", "if "],
  ] as const) {
    it(`are not given up, where they ${what}`, async () => {
      expect(await comesBack(first)).toBe(true);
      // By its guard alone.
      await cluster.flush();
      const unguarded = (source: string) => {
        expect(source).toContain(guard);
        return source.replace(guard, instead);
      };
      expect(await comesBack(first, unguarded)).toBe(false);
    });
  }
});
