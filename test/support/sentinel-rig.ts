import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { RedisRig, redisProgram } from "./redis-rig.ts";
import { freePort, ServerProcess, until } from "./server-process.ts";

const MASTER = "tq";
const SENTINELS = 3;

/** A primary, a replica in step with it, and three Sentinels that agree about them. */
export class SentinelRig {
  readonly #directory: string;
  readonly #sentinels: { readonly port: number; readonly process: ServerProcess }[] = [];
  /** The two servers, in the roles they had at the start. */
  readonly primary: RedisRig;
  readonly replica: RedisRig;

  private constructor(directory: string, primary: RedisRig, replica: RedisRig) {
    this.#directory = directory;
    this.primary = primary;
    this.replica = replica;
  }

  static async start(): Promise<SentinelRig> {
    const primary = await RedisRig.start();
    const replica = await RedisRig.start({ replicaOf: primary });
    const rig = new SentinelRig(await mkdtemp(join(tmpdir(), "tq-sentinel-")), primary, replica);
    for (let i = 0; i < SENTINELS; i += 1) await rig.#addSentinel();
    await until(async () => (await rig.#everySentinel(knowsTheOthers)).every(Boolean));
    return rig;
  }

  /** `redis-sentinel://host:port,…/0?master=…` */
  get url(): string {
    const hosts = this.#sentinels.map(({ port }) => `127.0.0.1:${port}`);
    return `redis-sentinel://${hosts.join(",")}/0?master=${MASTER}`;
  }

  /** Waits until every Sentinel names `server` as the primary, for example after `primary.crash()`. */
  async promoted(server: RedisRig): Promise<void> {
    await until(async () => (await this.#everySentinel(primaryPort)).every((port) => port === server.port));
  }

  /** A planned change of roles; resolves when every Sentinel knows of it. */
  async failover(): Promise<void> {
    const [sentinel] = this.#sentinels;
    if (sentinel === undefined) throw new Error("no sentinel");
    await ask(sentinel.port, (client) => client.call("SENTINEL", "FAILOVER", MASTER));
    await this.promoted(this.replica);
  }

  async stop(): Promise<void> {
    for (const { process } of this.#sentinels.splice(0)) await process.end("SIGKILL");
    await this.replica.stop();
    await this.primary.stop();
    await rm(this.#directory, { recursive: true, force: true });
  }

  async #addSentinel(): Promise<void> {
    const port = await freePort();
    const file = join(this.#directory, `sentinel-${port}.conf`);
    const lines = [
      `port ${port}`,
      "bind 127.0.0.1",
      `dir ${this.#directory}`,
      `sentinel monitor ${MASTER} 127.0.0.1 ${this.primary.port} 2`,
      `sentinel down-after-milliseconds ${MASTER} 1000`,
      `sentinel failover-timeout ${MASTER} 5000`,
    ];
    await writeFile(file, `${lines.join("\n")}\n`);
    this.#sentinels.push({
      port,
      process: await ServerProcess.start(await redisProgram(), [file, "--sentinel"], this.#directory),
    });
  }

  #everySentinel<T>(question: (client: Redis) => Promise<T>): Promise<T[]> {
    return Promise.all(this.#sentinels.map(({ port }) => ask(port, question)));
  }
}

async function knowsTheOthers(client: Redis): Promise<boolean> {
  const facts = (await client.call("SENTINEL", "MASTER", MASTER)) as unknown;
  const flat = (Array.isArray(facts) ? facts : Object.entries(facts as object).flat()).map(String);
  const fact = (name: string) => Number(flat[flat.indexOf(name) + 1]);
  return fact("num-slaves") === 1 && fact("num-other-sentinels") === SENTINELS - 1;
}

async function primaryPort(client: Redis): Promise<number> {
  const address = (await client.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER)) as [string, string];
  return Number(address[1]);
}

async function ask<T>(port: number, question: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis({ host: "127.0.0.1", port });
  try {
    return await question(client);
  } finally {
    client.disconnect();
  }
}
