import { DecodeError } from "../../errors.ts";
import { decodeTaskMessage } from "../../protocol/codec.ts";
import type { TaskMessage } from "../../protocol/task-message.ts";
import type { StoredId } from "./stored-id.ts";

/** The message stored for a task; `undefined` when it cannot be read, or speaks of another task than its key. */
export function readMessage(queue: string, id: StoredId, bytes: Uint8Array): TaskMessage | undefined {
  try {
    const message = decodeTaskMessage(bytes);
    return message.id === id && message.queue === queue ? message : undefined;
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}
