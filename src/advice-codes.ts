import type { AdviceCode } from "./broker/repair.ts";

/** Every code of an advice of `Inspector.doctor`, and what it is about. */
export const ADVICE_CODES: Readonly<Record<AdviceCode, string>> = {
  VERSION: "the version of Redis, or the schema of the SQLite file",
  PERSISTENCE: "what of the acknowledged tasks survives a crash of Redis",
  EVICTION: "whether Redis may throw keys away when memory runs short",
  MEMORY: "how much memory Redis uses, and may use",
  REPLICAS: "whether writes reach another Redis before a failover",
  CLOCK: "how far this machine's clock is from that of Redis",
  LATENCY: "how long Redis takes to answer from here",
  PERMISSIONS: "commands that the Redis user may not run",
  UNSEEN: "what could not be looked at, and is not assumed to be good",
  JOURNAL: "how the SQLite file is written",
  SYNCHRONOUS: "what a power cut may cost a SQLite file",
  INTEGRITY: "whether the SQLite file is sound",
  FILE_SIZE: "how large the SQLite file is, and how much of it is empty",
  DISK_SPACE: "how much room is left on the disk of the SQLite file",
  NOT_DURABLE: "the store keeps nothing beyond its process",
  SERVERS: "which servers are alive",
  SERVERS_STALE: "servers that ended without a word",
  GO_PEERS: "Go servers that share the queues",
  QUEUE_UNSERVED: "a queue with tasks to run, and no server that serves it",
  QUEUE_PAUSED: "a queue that was paused",
  HANDLER_MISSING: "tasks of a type that no server had a handler for",
  LIMITS_DIFFER: "servers that do not agree on the limits of a queue",
};
