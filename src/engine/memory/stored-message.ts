import { DecodeError } from "../../errors.ts";
import { decodeTaskMessage } from "../../protocol/codec.ts";
import type { TaskMessage } from "../../protocol/task-message.ts";
import type { StoredQueue, StoredTask } from "./stored-queue.ts";

/**
 * The message of a stored task, sharing no bytes with the store. `undefined`: it cannot be decoded, or belongs to
 * another task, whose outcome would then be written instead of this one's.
 */
export function storedMessage(queue: StoredQueue, task: StoredTask): TaskMessage | undefined {
  try {
    const message = decodeTaskMessage(Buffer.from(task.message));
    return message.id === task.id && message.queue === queue.name ? message : undefined;
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}
