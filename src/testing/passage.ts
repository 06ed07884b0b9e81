import type { Broker } from "../broker/broker.ts";
import type { MemoryStore } from "../engine/memory/store.ts";
import type { FakeClock } from "./fake-clock.ts";
import { nextDue, queuesIn } from "./store-view.ts";

/** Tasks moved or deleted in one call. */
const BATCH = 1_000;

/** Lets time pass over a store, from one task that falls due to the next, with what a server's parts do meanwhile. */
export class Passage {
  readonly #store: MemoryStore;
  readonly #broker: Pick<Broker, "forward" | "deleteExpired">;
  readonly #clock: FakeClock;

  constructor(store: MemoryStore, broker: Pick<Broker, "forward" | "deleteExpired">, clock: FakeClock) {
    this.#store = store;
    this.#broker = broker;
    this.#clock = clock;
  }

  /**
   * Turns the clock to `instant`, in milliseconds since the Unix epoch.
   *
   * @param stop - called at each instant at which tasks fall due, when they are pending
   */
  async to(instant: number, stop: () => Promise<void>): Promise<void> {
    for (;;) {
      await this.now();
      await stop();
      const due = nextDue(queuesIn(this.#store, undefined), ["scheduled", "retry"]);
      if (due === undefined || due > instant) break;
      if (due > this.#clock.now()) await this.#turnTo(due);
    }
    await this.#turnTo(instant);
    await this.now();
    await stop();
  }

  /** Makes pending what is due, and deletes what has been kept long enough. */
  async now(): Promise<void> {
    for (const { name } of queuesIn(this.#store, undefined)) {
      while ((await this.#broker.forward(name, BATCH)).moved === BATCH);
      while ((await this.#broker.deleteExpired(name, BATCH)) === BATCH);
    }
  }

  #turnTo(instant: number): Promise<void> {
    return this.#clock.advance(Math.max(0, instant - this.#clock.now()));
  }
}
