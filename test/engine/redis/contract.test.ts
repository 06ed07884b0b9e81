import { describe } from "vitest";
import { brokerContract } from "../../contract/contract.ts";
import { redisForFile } from "../../support/redis-rig.ts";
import { openRedis } from "./harness.ts";

const redis = await redisForFile();

describe("the Redis engine", () => brokerContract(() => openRedis(redis)));
