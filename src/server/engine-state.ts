import { EngineUnavailableError } from "../errors.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import type { ServerEvents } from "./events.ts";

/** Least time between two calls to those who wait for the end of an outage, in case only some calls fail. */
const RETURN_GAP = 1_000;

/**
 * Whether the store answers, as the server's calls find out. An outage is told once when it begins and once when it
 * ends, however many loops run into it.
 */
export class EngineState {
  readonly #events: ServerEvents;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #onReturn = new Set<() => void>();
  #error: Error | undefined;
  #refusal: Error | undefined;
  #returnedAt = Number.NEGATIVE_INFINITY;
  /** Monotonic instant of the last call to those who wait for the end of an outage. */
  #calledAt = Number.NEGATIVE_INFINITY;
  #callIsSet = false;
  #changedAt = Number.NEGATIVE_INFINITY;

  constructor(events: ServerEvents, logger: Logger, clock: Clock) {
    this.#events = events;
    this.#logger = logger;
    this.#clock = clock;
  }

  /** Why the store cannot be used; `undefined` while it can. */
  get error(): Error | undefined {
    return this.#error;
  }

  /** Why the last call failed: the store cannot be used, or it answers but refuses. `undefined` after a success. */
  get problem(): Error | undefined {
    return this.#error ?? this.#refusal;
  }

  /** Monotonic instant at which the last outage ended; long ago if there was none. */
  get returnedAt(): number {
    return this.#returnedAt;
  }

  /** Wall-clock instant at which {@link problem} last came or went; long ago if there was none. */
  get changedAt(): number {
    return this.#changedAt;
  }

  /** Calls `listener` when an outage ends: at once, or when a second has passed since the last call. */
  onReturn(listener: () => void): void {
    this.#onReturn.add(listener);
  }

  /** A call was answered. */
  up(): void {
    if (this.problem !== undefined) this.#changedAt = this.#clock.now();
    this.#refusal = undefined;
    if (this.#error === undefined) return;
    this.#error = undefined;
    this.#returnedAt = this.#clock.monotonic();
    this.#logger.info({}, "the engine answers again");
    this.#events.emit("engine", { state: "available" });
    this.#callWhenDue();
  }

  #callWhenDue(): void {
    if (this.#callIsSet) return;
    const wait = this.#calledAt + RETURN_GAP - this.#clock.monotonic();
    if (wait <= 0) {
      this.#callAll();
      return;
    }
    this.#callIsSet = true;
    this.#clock.setTimer(wait, () => {
      this.#callIsSet = false;
      // Away once more: the end of that outage calls.
      if (this.#error === undefined) this.#callAll();
    });
  }

  #callAll(): void {
    this.#calledAt = this.#clock.monotonic();
    for (const listener of this.#onReturn) listener();
  }

  /** The store could not be reached. */
  down(error: Error): void {
    const known = this.#error !== undefined;
    if (this.problem === undefined) this.#changedAt = this.#clock.now();
    this.#error = error;
    if (known) return;
    this.#logger.error({ error }, "the engine does not answer; trying again until it does");
    this.#events.emit("engine", { state: "unavailable", error });
  }

  /** The store answered, and refused the call. Whoever made it reports it. */
  refused(error: unknown): void {
    if (this.problem === undefined) this.#changedAt = this.#clock.now();
    this.#refusal = error instanceof Error ? error : new Error(String(error));
  }

  /** Makes a call to the store. An outage is noted and answered by `undefined`; every other failure is the caller's. */
  async call<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      const answer = await work();
      this.up();
      return answer;
    } catch (error) {
      if (!(error instanceof EngineUnavailableError)) {
        this.refused(error);
        throw error;
      }
      this.down(error);
      return undefined;
    }
  }
}
