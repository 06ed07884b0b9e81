import type { RedisReply } from "./redis-commands.ts";
import type { RequestOptions } from "./redis-node.ts";
import type { ServerFacts } from "./server-check.ts";

/** Carries encoded commands to the server that has their key, and their replies back. */
export interface Transport {
  /** Keys of different hash tags may live on different servers. */
  readonly cluster: boolean;
  /** What the server (of a Cluster, one of them) said of itself last. */
  readonly facts: ServerFacts | undefined;
  open(): Promise<void>;
  /** Error replies are Errors in their places; see `RedisNode.request` for what it rejects with. */
  request(
    key: string | undefined,
    commands: readonly Buffer[],
    options: RequestOptions,
  ): Promise<RedisReply[]>;
  close(): void;
}
