import { createHash } from "node:crypto";
import { queueKeys } from "./keys.ts";

/**
 * Name of the lock that equal tasks compete for, `docs/protocol.md` 6.1. Equal are those of the same queue, type and
 * payload bytes; no payload is not the same as an empty one.
 */
export function uniqueKey(queue: string, type: string, payload: Uint8Array | undefined): string {
  const digest = payload === undefined ? "" : createHash("md5").update(payload).digest("hex");
  return `${queueKeys(queue).uniquePrefix}${type}:${digest}`;
}
