import { compose } from "../client/compose-message.ts";
import { createMemoryEngine } from "../engine/memory/memory-engine.ts";
import { InvalidOptionError } from "../errors.ts";
import { MAX_PAYLOAD_BYTES } from "../payload.ts";
import type { Task } from "../task.ts";
import type { TaskOptions } from "../task-options.ts";
import { Attempts, type AttemptsOptions } from "./attempts.ts";
import type { Performed } from "./performed.ts";

/** Options of the task, of which those that say when and whether it runs mean nothing here, and which attempt it is. */
export interface PerformOptions extends TaskOptions {
  /** How often the task was tried again before this attempt. @defaultValue 0 */
  retried?: number | undefined;
}

/** Runs one attempt at a task, in a store of its own. */
export async function performAlone(
  task: Task,
  { retried = 0, ...options }: PerformOptions,
  using: Omit<AttemptsOptions, "engine">,
): Promise<Performed> {
  if (!Number.isInteger(retried) || retried < 0) {
    throw new InvalidOptionError("retried", `expected a whole number of retries; got ${String(retried)}`);
  }
  const { runtime } = using;
  const engine = createMemoryEngine({ runtime });
  const { broker } = engine;
  const composer = {
    now: () => broker.now(),
    uuid: () => runtime.uuid(),
    maxPayloadBytes: MAX_PAYLOAD_BYTES,
  };
  const { entry } = await compose(task, options, composer);
  const message = { ...entry.message, retried, groupKey: "" };
  await broker.enqueue([{ message }]);
  const attempts = new Attempts({ ...using, engine });
  const [leased] = await attempts.lease(message.queue, 1);
  if (leased === undefined) throw new Error("the task that was just stored is not there");
  return attempts.run(leased, message.queue);
}
