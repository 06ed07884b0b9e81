import { createHash } from "node:crypto";
import { type Composed, type Composer, compose } from "../client/compose-message.ts";
import { InvalidOptionError } from "../errors.ts";
import { requireKnownNames } from "../suggestion.ts";
import type { Task } from "../task.ts";
import { requireQueueName, type TaskOptions } from "../task-options.ts";
import { TICK_HEADER } from "../tick-header.ts";
import { type CronSpec, parseCronSpec } from "./cron-spec.ts";
import { checkMissed, type MissedPolicy } from "./missed-ticks.ts";
import { plainOptions } from "./plain-options.ts";

export interface EntryOptions {
  /**
   * Names the entry for all schedulers. Of two that mean different things by one id, the one that was started last is
   * right. 1 to 512 bytes of UTF-8, without braces.
   * @defaultValue made of spec, type, payload and options: the same in every process and after every restart
   */
  id?: string | undefined;
  /** The time zone of a spec that names none. @defaultValue the scheduler's */
  timezone?: string | undefined;
  /** What becomes of ticks that nobody enqueued in time. @defaultValue the scheduler's */
  missed?: MissedPolicy | undefined;
  /** Options for the task of each tick. They win over those of the task; headers add up. */
  options?: TaskOptions | undefined;
}

/** A periodic task after its check. */
export interface Entry {
  readonly id: string;
  readonly spec: CronSpec;
  readonly task: Task;
  readonly options: TaskOptions | undefined;
  readonly missed: MissedPolicy;
  readonly queue: string;
  readonly payload: Uint8Array | undefined;
  /** All options, as plain values. */
  readonly plain: TaskOptions;
  readonly optionTexts: readonly string[];
  /** Hexadecimal: equal for entries that mean the same. */
  readonly digest: string;
}

export interface EntryDefaults {
  readonly timezone: string;
  readonly missed: MissedPolicy;
  readonly composer: Composer;
}

/**
 * Checks a periodic task, payload and all, as each of its ticks will be enqueued.
 *
 * @throws {@link CronSpecInvalidError} {@link InvalidOptionError} {@link InvalidPayloadError}
 * {@link PayloadNotSerializableError} {@link PayloadTooLargeError}
 */
export async function checkEntry(
  spec: unknown,
  task: Task,
  given: EntryOptions,
  defaults: EntryDefaults,
): Promise<Entry> {
  requireKnownNames("an entry", given, ["id", "timezone", "missed", "options"]);
  const { id, timezone = defaults.timezone, options } = given;
  const parsed = parseCronSpec(spec, timezone);
  const missed = given.missed === undefined ? defaults.missed : checkMissed(given.missed);
  const { entry } = await compose(task, options, defaults.composer);
  const { type, payload, queue } = entry.message;
  const { checked, options: plain, texts } = plainOptions(task.options, options, task.payload);
  if (checked.processAt !== undefined) {
    throw new InvalidOptionError(
      "processAt",
      "would be the same for every tick; processIn counts from the tick",
    );
  }
  const hash = hashOf(parsed.text, type, payload, plain);
  return {
    id: id === undefined ? uuidOf(hash) : requireQueueName("id", id),
    spec: parsed,
    task,
    options,
    missed,
    queue,
    payload,
    plain,
    optionTexts: texts,
    digest: hash.slice(0, 16),
  };
}

/** The task of one tick, or of no tick, ready to be stored. */
export async function composeTick(
  { task, options }: Entry,
  tick: number | undefined,
  composer: Composer,
): Promise<Composed> {
  if (tick === undefined) return compose(task, options, composer);
  const headers = { ...options?.headers, [TICK_HEADER]: new Date(tick).toISOString() };
  return compose(task, { ...options, headers }, composer);
}

function hashOf(spec: string, type: string, payload: Uint8Array | undefined, options: TaskOptions): string {
  const bytes = payload === undefined ? null : Buffer.from(payload).toString("base64");
  return createHash("sha256")
    .update(JSON.stringify([spec, type, bytes, options]))
    .digest("hex");
}

/** In the form of a UUID, since that is what tools expect of an id. */
function uuidOf(hash: string): string {
  const [, a, b, c, d, e] = /^(.{8})(.{4})(.{4})(.{4})(.{12})/.exec(hash) ?? [];
  return [a, b, c, d, e].join("-");
}
