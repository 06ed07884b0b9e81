import type { SqliteStore } from "./sqlite-store.ts";

export interface PieceOptions {
  readonly writes: boolean;
  /** Ends the wait of a piece that has not begun. */
  readonly signal: AbortSignal | undefined;
  /** Instant of the monotonic clock after which it waits for a locked file no longer. */
  readonly giveUpAt: number;
}

/** A piece of work that waits for its turn, and whoever waits for its answer. */
export class Piece<T = unknown> {
  readonly options: PieceOptions;
  readonly answered: Promise<T>;
  readonly #work: (store: SqliteStore) => T;
  #resolve: (value: T) => void = () => undefined;
  #reject: (error: Error) => void = () => undefined;
  #result: { readonly value: T } | { readonly error: Error } | undefined;

  constructor(work: (store: SqliteStore) => T, options: PieceOptions) {
    this.#work = work;
    this.options = options;
    this.answered = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Does the work, whose result counts once the transaction has. @throws whatever the work throws */
  run(store: SqliteStore): void {
    this.#result = { value: this.#work(store) };
    store.flush();
  }

  /** The work failed, and what it had done was undone. */
  failed(error: Error): void {
    this.#result = { error };
  }

  /** The transaction has been committed. */
  answer(): void {
    if (this.#result === undefined) throw new TypeError("a piece of work that did not run has no answer");
    if ("error" in this.#result) this.#reject(this.#result.error);
    else this.#resolve(this.#result.value);
  }

  reject(error: Error): void {
    this.#reject(error);
  }
}
