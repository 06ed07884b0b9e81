import { Redis } from "ioredis";
import type { Meter, StoreUse } from "./store-use.ts";

/** Reads what a Redis server has spent. */
export class RedisMeter implements Meter {
  readonly #redis: Redis;

  constructor(url: string) {
    this.#redis = new Redis(url, { protocol: 2 } as never);
  }

  async read(): Promise<StoreUse> {
    const cpu = await this.#redis.info("cpu");
    const stats = await this.#redis.info("commandstats");
    const seconds = number(cpu, "used_cpu_user") + number(cpu, "used_cpu_sys");
    let calls = 0;
    for (const [, command, count] of stats.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)) {
      if (command !== "info") calls += Number(count);
    }
    return { cpuUs: seconds * 1e6, calls };
  }

  async usedMemory(): Promise<number> {
    return number(await this.#redis.info("memory"), "used_memory");
  }

  async clear(): Promise<void> {
    await this.#redis.flushall();
  }

  close(): void {
    this.#redis.disconnect();
  }
}

function number(info: string, field: string): number {
  const match = new RegExp(`^${field}:([\\d.]+)`, "m").exec(info);
  if (match === null) throw new Error(`INFO has no ${field}`);
  return Number(match[1]);
}
