import type { Engine } from "../broker/engine.ts";
import { Client, LARGEST_MAX_PAYLOAD } from "../client/client.ts";
import { DuplicateTaskError, TaskNotFoundError, TaskStateError } from "../errors.ts";
import { encodePayload } from "../payload.ts";
import { uniqueKey } from "../protocol/unique-key.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { requireKnownNames } from "../suggestion.ts";
import { Task } from "../task.ts";
import { type TaskInfo, taskInfo } from "../task-info.ts";
import type { TaskOptions } from "../task-options.ts";
import { checkedRef, type TaskRef } from "./changes.ts";

export interface CopyOptions {
  /** Another payload: JSON, or bytes. @defaultValue that of the task */
  payload?: unknown;
  /** Options of the new task, which win over those of the old one. */
  options?: TaskOptions | undefined;
}

/** Replaces the payload of a scheduled task. A key that was made from the old payload is made from the new one. */
export async function updateTaskPayload(
  { inspection }: Pick<Engine, "inspection">,
  ref: TaskRef,
  value: unknown,
): Promise<void> {
  const { queue, id } = checkedRef(ref);
  const payload = encodePayload(value);
  const answer = await inspection.rewriteTask(queue, id, (old) => {
    const wasOfPayload = old.uniqueKey !== "" && old.uniqueKey === uniqueKey(queue, old.type, old.payload);
    const key = wasOfPayload ? uniqueKey(queue, old.type, payload) : old.uniqueKey;
    return { ...old, payload, uniqueKey: key };
  });
  switch (answer.status) {
    case "rewritten":
      return;
    case "missing":
      throw new TaskNotFoundError(queue, id);
    case "duplicate":
      throw new DuplicateTaskError(queue, answer.holder);
    case "not-scheduled":
      throw new TaskStateError(
        queue,
        id,
        "is not scheduled: only the payload of a scheduled task can be replaced",
      );
    case "damaged":
      throw new TaskStateError(queue, id, "cannot be read");
    case "outdated":
      throw new TaskStateError(queue, id, "is being changed by others: try again");
  }
}

/**
 * Enqueues a task once more, as a new one: another id, no retries yet, no error. A deadline that has passed, the unique
 * lock and the time it was scheduled for are not copied.
 */
export async function enqueueCopy(
  engine: Engine,
  runtime: Runtime,
  ref: TaskRef,
  copy: CopyOptions,
): Promise<TaskInfo> {
  const { queue, id } = checkedRef(ref);
  requireKnownNames("enqueueCopy", copy, ["payload", "options"]);
  const record = await engine.inspection.taskInfo(queue, id);
  if (record === undefined) throw new TaskNotFoundError(queue, id);
  if (record.message === undefined) throw new TaskStateError(queue, id, "cannot be read");
  const old = taskInfo(record);
  const payload = "payload" in copy ? copy.payload : old.bytes;
  const deadline = old.deadline !== undefined && old.deadline.getTime() > engine.broker.now();
  const task = new Task(old.type, payload, {
    queue,
    maxRetry: old.maxRetry,
    timeout: old.timeout ?? (deadline ? undefined : "none"),
    deadline: deadline ? old.deadline : undefined,
    retention: old.retention,
    group: old.group,
    headers: { ...old.headers },
  });
  // Of its own, so that it leaves the engine as it found it.
  const client = new Client(engine, { maxPayloadBytes: LARGEST_MAX_PAYLOAD, runtime });
  try {
    return await client.enqueue(task, copy.options);
  } finally {
    await client.close();
  }
}
