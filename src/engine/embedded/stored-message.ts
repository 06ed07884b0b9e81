import { DecodeError } from "../../errors.ts";
import { decodeTaskMessage } from "../../protocol/codec.ts";
import type { TaskMessage } from "../../protocol/task-message.ts";
import type { EmbeddedQueue, EmbeddedTask } from "./embedded-store.ts";

/**
 * The message of a stored task. `undefined`: it cannot be decoded, or belongs to another task, whose outcome would then
 * be written instead of this one's.
 */
export function storedMessage(queue: EmbeddedQueue, task: EmbeddedTask): TaskMessage | undefined {
  try {
    const message = decodeTaskMessage(queue.message(task));
    return message.id === task.id && message.queue === queue.name ? message : undefined;
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}
