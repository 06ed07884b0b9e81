import { Cluster, type Redis } from "ioredis";
import { RedisRig } from "./redis-rig.ts";
import { until } from "./server-process.ts";

const MASTERS = 3;
const SLOTS = 16_384;

/** A Redis Cluster of three masters without replicas. */
export class ClusterRig {
  readonly #clients: Cluster[] = [];
  readonly nodes: readonly RedisRig[];

  private constructor(nodes: readonly RedisRig[]) {
    this.nodes = nodes;
  }

  static async start(): Promise<ClusterRig> {
    const config = { "cluster-enabled": "yes", "cluster-node-timeout": 2_000 };
    const nodes: RedisRig[] = [];
    for (let i = 0; i < MASTERS; i += 1) nodes.push(await RedisRig.start({ config }));
    const clients = nodes.map((node) => node.client());
    for (const [i, client] of clients.entries()) {
      await client.call("CLUSTER", "SET-CONFIG-EPOCH", String(i + 1));
      await client.cluster("ADDSLOTS", ...slotsOf(i));
      await client.cluster("MEET", "127.0.0.1", nodes[0]?.port ?? 0);
    }
    await until(async () => (await Promise.all(clients.map(isComplete))).every(Boolean));
    for (const client of clients) client.disconnect();
    return new ClusterRig(nodes);
  }

  /** `redis-cluster://host:port,…` */
  get url(): string {
    return `redis-cluster://${this.nodes.map(({ port }) => `127.0.0.1:${port}`).join(",")}`;
  }

  /** A raw client of the test's own, closed with the rig. */
  client(): Cluster {
    const client = new Cluster(this.nodes.map(({ port }) => ({ host: "127.0.0.1", port })));
    client.on("error", () => undefined);
    this.#clients.push(client);
    return client;
  }

  async flush(): Promise<void> {
    for (const node of this.nodes) await node.flush();
  }

  /**
   * Moves a slot to the next node, key by key. `between` runs when half of the keys have moved; or, with `first`, when
   * those that it names have.
   */
  async migrate(
    slot: number,
    between: () => Promise<void> = async () => undefined,
    first?: (key: string) => boolean,
  ): Promise<void> {
    const clients = this.nodes.map((node) => node.client());
    const ids = await Promise.all(clients.map((client) => client.call("CLUSTER", "MYID") as Promise<string>));
    const owned = await Promise.all(clients.map((client) => owns(client, slot)));
    const from = owned.indexOf(true);
    const to = (from + 1) % clients.length;
    const [source, target] = [clients[from] as Redis, clients[to] as Redis];
    await target.cluster("SETSLOT", slot, "IMPORTING", ids[from] as string);
    await source.cluster("SETSLOT", slot, "MIGRATING", ids[to] as string);
    const keys = (await source.cluster("GETKEYSINSLOT", slot, 10_000)) as string[];
    if (first) keys.sort((a, b) => Number(first(b)) - Number(first(a)));
    const half = first ? keys.filter(first).length : Math.ceil(keys.length / 2);
    for (const [i, key] of keys.entries()) {
      if (i === half) await between();
      await source.migrate("127.0.0.1", this.nodes[to]?.port as number, key, 0, 5_000);
    }
    for (const client of [target, source]) await client.cluster("SETSLOT", slot, "NODE", ids[to] as string);
    for (const client of clients) client.disconnect();
  }

  async stop(): Promise<void> {
    for (const client of this.#clients.splice(0)) client.disconnect();
    for (const node of this.nodes) await node.stop();
  }
}

function slotsOf(node: number): number[] {
  const [from, to] = [node, node + 1].map((i) => Math.floor((SLOTS * i) / MASTERS));
  const slots: number[] = [];
  for (let slot = from ?? 0; slot < (to ?? 0); slot += 1) slots.push(slot);
  return slots;
}

async function isComplete(client: ReturnType<RedisRig["client"]>): Promise<boolean> {
  const info = await client.cluster("INFO");
  return info.includes("cluster_state:ok") && info.includes(`cluster_known_nodes:${MASTERS}`);
}

async function owns(client: Redis, slot: number): Promise<boolean> {
  const nodes = (await client.cluster("NODES")) as string;
  const mine = nodes.split("\n").find((line) => line.includes("myself")) ?? "";
  return mine.split(" ").some((word) => {
    const [, from, to] = /^(\d+)(?:-(\d+))?$/.exec(word) ?? [];
    return from !== undefined && slot >= Number(from) && slot <= Number(to ?? from);
  });
}
