import type { RedisReply } from "./redis-commands.ts";
import type { RequestOptions } from "./redis-node.ts";

/** Carries encoded commands to the server that has their key, and their replies back. */
export interface Transport {
  open(): Promise<void>;
  /** Error replies are Errors in their places; see `RedisNode.request` for what it rejects with. */
  request(
    key: string | undefined,
    commands: readonly Buffer[],
    options: RequestOptions,
  ): Promise<RedisReply[]>;
  close(): void;
}
