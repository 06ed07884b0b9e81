import type { TestProject } from "vitest/node";
import { type FoundRedis, findRedis } from "../../scripts/find-redis.ts";

declare module "vitest" {
  interface ProvidedContext {
    redis: FoundRedis;
  }
}

/** Finds a Redis once for all test files; a rig asks for it by `inject("redis")`. */
export default async function setup(project: TestProject): Promise<void> {
  project.provide("redis", await findRedis());
}
