import type { Worker } from "./worker.ts";

/** The attempts that are being run here now. */
export class Workers {
  readonly #running = new Set<Worker>();
  readonly #zombies = new Set<Worker>();

  add(worker: Worker): void {
    this.#running.add(worker);
  }

  /** Those whose end is not decided yet. */
  get running(): ReadonlySet<Worker> {
    return this.#running;
  }

  /**
   * How many handlers go on although their abort has decided how the attempt ends. They keep their slots, or more
   * handlers would run than `concurrency` allows.
   */
  get zombies(): number {
    return this.#zombies.size;
  }

  /** Slots that are taken. */
  get occupied(): number {
    return this.#running.size + this.#zombies.size;
  }

  /** The end of the attempt is decided, but its handler goes on. */
  outlive(worker: Worker): void {
    if (this.#running.delete(worker)) this.#zombies.add(worker);
  }

  /** The handler has ended. */
  remove(worker: Worker): void {
    if (!this.#running.delete(worker)) this.#zombies.delete(worker);
  }
}
