import { readUtf8 } from "../../protocol/utf8.ts";
import type { RedisKey } from "./redis-commands.ts";

/** A task's id as it lies in Redis. Where a foreign program wrote one that is no text, it is its bytes. */
export type StoredId = string | Buffer;

export function storedId(bytes: Buffer): StoredId {
  return readUtf8(bytes, 0, bytes.length) ?? bytes;
}

/** The key of that task's hash. */
export function storedTaskKey(taskPrefix: string, id: StoredId): RedisKey {
  return typeof id === "string" ? taskPrefix + id : Buffer.concat([Buffer.from(taskPrefix), id]);
}
