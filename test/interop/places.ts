import type { Cluster, Redis } from "ioredis";
import { afterAll } from "vitest";
import { ClusterRig } from "../support/cluster-rig.ts";
import { redisForFile } from "../support/redis-rig.ts";
import { hearKeys } from "./news.ts";

/** Where the tasks lie that both sides share. */
export interface Place {
  readonly name: string;
  readonly url: string;
  readonly raw: Redis | Cluster;
}

/** For the calling test file: one Redis, and a Cluster, whose keys tell of themselves. */
export async function placesForFile(): Promise<readonly Place[]> {
  const redis = await redisForFile();
  const cluster = await ClusterRig.start();
  afterAll(() => cluster.stop());
  for (const node of [redis, ...cluster.nodes]) await hearKeys(node);
  return [
    { name: "one Redis", url: redis.url, raw: redis.client() },
    { name: "a Cluster", url: cluster.url, raw: cluster.client() },
  ];
}
