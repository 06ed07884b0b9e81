interface Lock {
  readonly holder: string;
  readonly until: number;
}

/**
 * The unique locks of one queue. A lock that has run out is as good as absent and is forgotten with its task at the
 * latest, so there are never more locks than tasks.
 */
export class UniqueLocks {
  readonly #locks = new Map<string, Lock>();

  get(key: string, now: number): Lock | undefined {
    const lock = this.#locks.get(key);
    return lock !== undefined && now < lock.until ? lock : undefined;
  }

  take(key: string, holder: string, until: number): void {
    this.#locks.set(key, { holder, until });
  }

  /** Frees `key`, unless another task has taken it meanwhile. */
  release(key: string, holder: string): void {
    if (this.#locks.get(key)?.holder === holder) this.#locks.delete(key);
  }

  /** What is left of `holder`'s lock is that of another key from now on. */
  move(key: string, to: string, holder: string): void {
    const lock = this.#locks.get(key);
    if (lock?.holder !== holder) return;
    this.#locks.delete(key);
    if (to !== "") this.#locks.set(to, lock);
  }

  clear(): void {
    this.#locks.clear();
  }
}
