import { findRedis } from "../../scripts/find-redis.ts";

/** Makes sure there is a Redis before the first test file asks for one, and says what to do when there is none. */
export default async function setup(): Promise<void> {
  await findRedis();
}
