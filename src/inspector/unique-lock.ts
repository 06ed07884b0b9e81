import type { Engine } from "../broker/engine.ts";
import { checkedRef, type TaskRef } from "./changes.ts";

/** The lock of a task's unique key: while it is held, no other task of that key can be enqueued. */
export interface UniqueLock {
  /** Id of the task that holds it, which may be another one, or gone; `undefined`: it is free. */
  readonly holder: string | undefined;
  /** When it is free by itself at the latest; `undefined`: it is free, or held until somebody frees it. */
  readonly until: Date | undefined;
}

export async function getUniqueLock(
  { inspection }: Pick<Engine, "inspection">,
  ref: TaskRef,
): Promise<UniqueLock | undefined> {
  const { queue, id } = checkedRef(ref);
  const key = (await inspection.taskInfo(queue, id))?.message?.uniqueKey ?? "";
  if (key === "") return undefined;
  const { holder, until } = (await inspection.uniqueLock(queue, key)) ?? {};
  return { holder, until: until === undefined ? undefined : new Date(until) };
}
