import type { Inspection, QueueRecord, StatePart, TaskState } from "../broker/inspection.ts";
import { QueueActiveError, QueueNotEmptyError, QueueNotFoundError } from "../errors.ts";
import { requireKnownNames } from "../suggestion.ts";
import { requireNonBlank } from "../task-options.ts";
import type { BulkOptions, Progress } from "./progress.ts";

export interface DeleteQueueOptions extends Pick<BulkOptions, "signal" | "onProgress"> {
  /** Delete its tasks too, but for running ones, which stop it. @defaultValue false */
  force?: boolean | undefined;
}

/** Work that would be lost. A completed task is none. */
const WORK = ["pending", "active", "scheduled", "retry", "archived", "aggregating"] as const;
const SETS: readonly TaskState[] = ["pending", "scheduled", "retry", "archived", "completed"];
const STEP = 200;
/** Others may go on enqueueing; how often their tasks are deleted, too. */
const ROUNDS = 20;

/**
 * Deletes a queue in steps, its name last: whatever interrupts it, calling it again ends it. The queue is paused
 * meanwhile, so that no server takes what is about to go.
 */
export async function deleteQueue(
  door: Inspection,
  queue: string,
  options: DeleteQueueOptions,
): Promise<void> {
  requireNonBlank("queue", queue);
  requireKnownNames("deleteQueue", options, ["force", "signal", "onProgress"]);
  const { force = false, signal, onProgress } = options;
  const refused = async (info: QueueRecord): Promise<Error | undefined> => {
    if (force) return info.active > 0 ? new QueueActiveError(queue) : undefined;
    // What is being aggregated is in no state, and work all the same.
    const holdsWork = WORK.some((state) => info[state] > 0) || (await door.holdsUncounted(queue));
    return holdsWork ? new QueueNotEmptyError(queue) : undefined;
  };

  const found = await known(door, queue);
  const refusal = await refused(found);
  if (refusal !== undefined) throw refusal;
  const paused = await door.pauseQueue(queue);
  const giveUp = async (error: Error): Promise<never> => {
    if (paused) await door.unpauseQueue(queue);
    throw error;
  };

  const total = [...WORK, "completed" as const].reduce((sum, state) => sum + found[state], 0);
  let done = 0;
  const took = (count: number): void => {
    signal?.throwIfAborted();
    done += count;
    onProgress?.({ done: Math.min(done, total), total } satisfies Progress);
  };
  for (let round = 0; round < ROUNDS; round += 1) {
    // It was looked at before it was paused.
    const error = await refused(await known(door, queue));
    if (error !== undefined) return giveUp(error);
    // Without force, what has come since is not to be deleted: it is found below.
    await deleteTasks(door, queue, force ? SETS : ["completed"], took);
    if (force) await deleteGroups(door, queue, took);
    if (await removed(door, queue, took)) return;
  }
  return giveUp(new QueueNotEmptyError(queue));
}

async function known(door: Inspection, queue: string): Promise<QueueRecord> {
  const info = await door.queueInfo(queue);
  if (info === undefined) throw new QueueNotFoundError(queue);
  return info;
}

type Took = (count: number) => void;

async function deleteTasks(
  door: Inspection,
  queue: string,
  states: readonly TaskState[],
  took: Took,
): Promise<void> {
  for (const state of states) await empty(door, queue, { state }, took);
}

async function deleteGroups(door: Inspection, queue: string, took: Took): Promise<void> {
  for (let cursor: string | undefined, more = true; more; more = cursor !== undefined) {
    const page = await door.groups(queue, cursor);
    for (const { group } of page?.groups ?? [])
      await empty(door, queue, { state: "aggregating", group }, took);
    cursor = page?.cursor;
  }
}

async function empty(door: Inspection, queue: string, part: StatePart, took: Took): Promise<void> {
  for (;;) {
    const { handled } = await door.changeSome(queue, "delete", part, STEP);
    took(handled);
    if (handled === 0) return;
  }
}

/** False: tasks have come meanwhile. */
async function removed(door: Inspection, queue: string, took: Took): Promise<boolean> {
  for (let cursor: string | undefined; ; ) {
    const step = await door.removeQueue(queue, cursor);
    if (step.status !== "more") return step.status === "removed";
    took(0);
    cursor = step.cursor;
  }
}
