import type { TaskMessage } from "./protocol/task-message.ts";

/** The header of a task that tells which tick of its periodic task it is: ISO 8601 text. */
export const TICK_HEADER = "tq-tick";

/** Which tick a task is of; `undefined`: none, or what stands there is no instant. */
export function tickOf({ headers }: Pick<TaskMessage, "headers">): Date | undefined {
  const text = headers.get(TICK_HEADER);
  const tick = text === undefined ? undefined : new Date(text);
  return tick === undefined || Number.isNaN(tick.getTime()) ? undefined : tick;
}
