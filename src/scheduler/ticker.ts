import type { ScheduleStore } from "../broker/schedule-store.ts";
import type { Composed, Composer } from "../client/compose-message.ts";
import { DuplicateTaskError, EngineUnavailableError, TaskIdConflictError } from "../errors.ts";
import type { SchedulerEntry } from "../protocol/scheduler-entry.ts";
import { NEVER, timestampOf } from "../protocol/timestamp.ts";
import type { Logger } from "../runtime/logger.ts";
import { taskInfo } from "../task-info.ts";
import { composeTick, type Entry } from "./entry.ts";
import type { Hooks } from "./hooks.ts";
import { dueTicks } from "./missed-ticks.ts";
import type { TickFacts } from "./scheduler-options.ts";

export interface TickerOptions {
  readonly store: ScheduleStore;
  readonly composer: Composer;
  readonly hooks: Hooks;
  readonly logger: Logger;
}

/** Where an entry comes from. */
export interface TickerOrigin {
  /** When this meaning of the id began, in milliseconds: of two, the newer is right. */
  readonly startedAt: number;
  /** From when on its ticks count, in milliseconds, if none was enqueued before. */
  readonly from: number;
  /** Earlier ticks are not its own, whatever was enqueued before: it was stored then. */
  readonly bornAt?: number | undefined;
}

const DAY = 86_400_000;
/** Milliseconds by which a clock is turned back before what was seen to counts no more. */
const TURNED_BACK = 60_000;
/** A tick is remembered for twice as long as its entry rests, and this. */
const SPARE_MEMORY = 7 * DAY;
/** Entries that rest longer are not remembered longer. */
const LONGEST_REST = 800 * DAY;
/** How long after its next tick a scheduler that does not come is no longer waited for. */
const CLAIM_GRACE = 60_000;
/** Bytes of a payload that tools get to see: it is copied with every heartbeat. */
const SHOWN_PAYLOAD = 1_024;

/**
 * One entry at work: knows up to which instant its ticks have been seen to, and enqueues those that are due. A failed try
 * leaves the tick where it is, so that it is tried again, with the same task.
 */
export class Ticker {
  readonly entry: Entry;
  readonly #origin: TickerOrigin;
  readonly #options: TickerOptions;
  /** Ticks up to this instant have been seen to. `undefined`: the store has not said yet. */
  #cursor: number | undefined;
  #next: number | undefined;
  #previous: number | undefined;
  /** What was tried and not answered. */
  #tried: { readonly tick: number; readonly composed: Composed } | undefined;
  #superseded = false;

  constructor(entry: Entry, origin: TickerOrigin, options: TickerOptions) {
    this.entry = entry;
    this.#origin = origin;
    this.#options = options;
  }

  /** When there is something to do; `undefined`: never again. */
  get dueAt(): number | undefined {
    return this.#cursor === undefined ? 0 : this.#next;
  }

  /** Asks the store, the first time, what was enqueued before this scheduler began. */
  async prepare(now: number): Promise<void> {
    if (this.#cursor !== undefined && this.#cursor <= now + TURNED_BACK) return;
    const { id, queue } = this.entry;
    const { from, bornAt = 0 } = this.#origin;
    const last = await this.#options.store.lastTick(queue, id);
    this.#previous = last;
    // Of one that nobody has enqueued yet, the ticks from its beginning on are waited for.
    const since = Math.max(last ?? from, bornAt, now - this.#memory(now) / 2);
    this.#moveTo(Math.min(since, now));
  }

  /** Sees to the ticks up to `now`. @throws what the engine throws; the tick is then still due. */
  async enqueueDue(now: number): Promise<void> {
    if (this.#cursor === undefined || this.#next === undefined || this.#next > now) return;
    const { spec, missed, id } = this.entry;
    const ticks = dueTicks(spec.schedule, this.#cursor, now, missed);
    if (ticks[0] !== this.#next) {
      this.#options.logger.warn(
        { entryId: id, spec: spec.text, since: new Date(this.#next), enqueued: ticks.length },
        "ticks were missed",
      );
    }
    for (const tick of ticks) {
      if (!(await this.#enqueue(tick, now))) return;
      this.#moveTo(tick);
    }
    this.#moveTo(now);
  }

  /** Lets the ticks up to `now` pass: the entry is paused. */
  pass(now: number): void {
    if (this.#cursor !== undefined) this.#moveTo(Math.max(now, this.#cursor));
  }

  /** As the tools see it. */
  get shown(): SchedulerEntry {
    const { id, spec, task, payload, optionTexts } = this.entry;
    return {
      id,
      spec: spec.text,
      taskType: task.type,
      taskPayload: payload?.subarray(0, SHOWN_PAYLOAD) ?? new Uint8Array(0),
      enqueueOptions: optionTexts,
      nextEnqueueTime: this.#next === undefined ? NEVER : timestampOf(this.#next),
      prevEnqueueTime: this.#previous === undefined ? NEVER : timestampOf(this.#previous),
    };
  }

  facts(tick: number | undefined): TickFacts {
    const { id, spec, task } = this.entry;
    return { entryId: id, spec: spec.text, task, tick: tick === undefined ? undefined : new Date(tick) };
  }

  #moveTo(cursor: number): void {
    this.#cursor = cursor;
    this.#next = this.entry.spec.schedule.next(cursor);
  }

  #memory(now: number): number {
    const { schedule } = this.entry.spec;
    const first = schedule.next(now);
    const second = first === undefined ? undefined : schedule.next(first);
    const rest = first === undefined || second === undefined ? 0 : second - first;
    return 2 * (Math.min(rest, LONGEST_REST) + SPARE_MEMORY);
  }

  /** False: the tick's time has not come by the store's clock. */
  async #enqueue(tick: number, now: number): Promise<boolean> {
    const { store, composer, hooks, logger } = this.#options;
    const { id, digest, spec } = this.entry;
    const facts = this.facts(tick);
    try {
      if (this.#tried?.tick !== tick) {
        hooks.preEnqueue(facts);
        this.#tried = { tick, composed: await composeTick(this.entry, tick, composer) };
      }
      const { composed } = this.#tried;
      const answer = await store.enqueueTick({
        entryId: id,
        at: tick,
        task: composed.entry,
        memory: this.#memory(tick),
        startedAt: this.#origin.startedAt,
        digest,
        claimUntil: (spec.schedule.next(Math.max(tick, now)) ?? now) + CLAIM_GRACE,
      });
      if (answer.status === "early") return false;
      this.#tried = undefined;
      if (answer.status === "superseded") this.#giveWay();
      else if (answer.status === "late")
        logger.warn({ entryId: id, tick: facts.tick }, "a tick is too old to be enqueued");
      else {
        this.#superseded = false;
        this.#previous = tick;
        await this.#used(answer, composed, facts);
      }
      return true;
    } catch (error) {
      if (!(error instanceof EngineUnavailableError)) this.#tried = undefined;
      hooks.onError(error as Error, facts);
      throw error;
    }
  }

  async #used(
    answer: Extract<Awaited<ReturnType<ScheduleStore["enqueueTick"]>>, { status: "used" | "taken" }>,
    { entry, processAt }: Composed,
    facts: TickFacts,
  ): Promise<void> {
    const { hooks, logger } = this.#options;
    const { id: entryId } = this.entry;
    const { message } = entry;
    const { queue, id } = message;
    // Our own, of which the answer was lost.
    const ours = answer.status === "taken" && answer.taskId === id;
    if (answer.status === "taken" && !ours) return;
    const enqueued =
      answer.status === "used" ? answer.enqueued : ({ status: "enqueued", state: "pending" } as const);
    if (enqueued.status !== "enqueued") {
      const error =
        enqueued.status === "duplicate"
          ? new DuplicateTaskError(queue, enqueued.holder)
          : new TaskIdConflictError(queue, id);
      logger.warn({ entryId, tick: facts.tick, error }, "a tick was used up, and its task not stored");
      hooks.onError(error, facts);
      return;
    }
    const { state } = enqueued;
    const record = { queue, id, state, message };
    await this.recordEvent(id);
    hooks.postEnqueue(
      taskInfo(state === "aggregating" ? record : { ...record, nextProcessAt: processAt }),
      facts,
    );
  }

  /** The history is for people to read: that it lacks something is no reason to stop. */
  async recordEvent(taskId: string): Promise<void> {
    const { store, composer, logger } = this.#options;
    try {
      await store.recordEvent(this.entry.id, { taskId, enqueueTime: timestampOf(composer.now()) });
    } catch (error) {
      logger.warn({ entryId: this.entry.id, taskId, error }, "the history lacks an event");
    }
  }

  #giveWay(): void {
    if (this.#superseded) return;
    this.#superseded = true;
    this.#options.logger.info(
      { entryId: this.entry.id, spec: this.entry.spec.text },
      "a newer scheduler means something else by this id, and goes before",
    );
  }
}
