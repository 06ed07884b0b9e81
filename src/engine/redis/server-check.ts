import { EngineUnavailableError, RedisReadOnlyError, RedisVersionError } from "../../errors.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { RedisCommands, RedisReply } from "./redis-commands.ts";
import { replyError } from "./redis-errors.ts";

/** What survives a crash of the server. */
export type Persistence = "aof-always" | "aof-everysec" | "aof-no" | "rdb" | "none" | "unknown";

/** What a server says of itself; `unknown` where the user may not ask, which is never taken for good. */
export interface ServerFacts {
  readonly product: "redis" | "valkey" | "unknown";
  readonly version: string;
  readonly role: "master" | "replica" | "unknown";
  readonly cluster: boolean;
  readonly evictionPolicy: string;
}

const OLDEST = [6, 2] as const;

/**
 * Reads the reply to INFO and refuses a server that we cannot use.
 *
 * @throws RedisVersionError older than 6.2
 * @throws RedisReadOnlyError a replica, unless `replicaAllowed`
 * @throws EngineUnavailableError it is still loading its data
 */
export function checkServer(info: RedisReply, where: string, replicaAllowed = false): ServerFacts {
  if (info instanceof Error) {
    const error = replyError(info);
    if (error.code !== "REDIS_NO_PERMISSION") throw error;
  }
  const field = fieldsOf(info);
  const product = field("valkey_version") ? "valkey" : field("redis_version") ? "redis" : "unknown";
  const version = field("valkey_version") ?? field("redis_version") ?? "unknown";
  if (product === "redis" && !isRecent(version)) throw new RedisVersionError(version);
  if (field("loading") === "1") throw new EngineUnavailableError(`Redis at ${where} is loading its data`);
  const role = field("role") === undefined ? "unknown" : field("role") === "master" ? "master" : "replica";
  if (role === "replica" && !replicaAllowed) {
    throw new RedisReadOnlyError(`Redis at ${where} is a replica; connect to its primary`);
  }
  return {
    product,
    version,
    role,
    cluster: field("redis_mode") === "cluster",
    evictionPolicy: field("maxmemory_policy") ?? "unknown",
  };
}

/** Says in the log what the operator of a queue should know of its server. */
export async function adviseOnServer(
  facts: ServerFacts,
  commands: Pick<RedisCommands, "command">,
  logger: Logger,
): Promise<void> {
  const { evictionPolicy } = facts;
  if (facts.version === "unknown") {
    logger.warn({}, "the Redis user may not run INFO: version, role and eviction policy are unknown");
  } else if (evictionPolicy === "unknown") {
    logger.warn(
      {},
      "Redis does not say whether it may evict keys; tasks are safe with maxmemory-policy noeviction only",
    );
  } else if (evictionPolicy !== "noeviction") {
    logger.warn(
      { evictionPolicy },
      "Redis may evict keys, and with them tasks and leases: TASKS WILL BE LOST; set maxmemory-policy noeviction",
    );
  }
  const persistence = await persistenceOf(commands);
  if (persistence === "none") {
    logger.info({ persistence }, "Redis keeps nothing on disk: a restart of the server loses all tasks");
  } else if (persistence === "unknown") {
    logger.info({ persistence }, "the Redis user may not run CONFIG GET: what survives a crash is unknown");
  }
}

/** Rejects only when the server cannot be asked at all; where it refuses to say, the answer is `unknown`. */
export async function persistenceOf(commands: Pick<RedisCommands, "command">): Promise<Persistence> {
  const values = new Map<string, string>();
  for (const name of ["appendonly", "appendfsync", "save"]) {
    try {
      const reply = await commands.command(undefined, "CONFIG", ["GET", name]);
      if (Array.isArray(reply) && reply.length === 2) values.set(name, String(reply[1]));
    } catch (error) {
      if (error instanceof EngineUnavailableError) throw error;
      return "unknown";
    }
  }
  const fsync = values.get("appendfsync");
  if (values.get("appendonly") === "yes") {
    return fsync === "always" ? "aof-always" : fsync === "everysec" ? "aof-everysec" : "aof-no";
  }
  const save = values.get("save");
  return save === undefined ? "unknown" : save === "" ? "none" : "rdb";
}

function fieldsOf(info: RedisReply): (name: string) => string | undefined {
  const text = Buffer.isBuffer(info) ? info.toString() : "";
  return (name) => new RegExp(`^${name}:(.*?)\\r?$`, "m").exec(text)?.[1];
}

function isRecent(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
}
