import { ClosedError } from "../../errors.ts";

/** Whether calls may pass, and what ends when they may not. */
export class EngineDoor {
  readonly #closers = new Set<() => void>();
  closed = false;

  /** @throws ClosedError no call may pass. */
  check(): void {
    if (this.closed) throw new ClosedError("the engine");
  }

  open(): void {
    this.closed = false;
  }

  close(): void {
    this.closed = true;
    for (const closer of this.#closers) closer();
    this.#closers.clear();
  }

  /** Calls `closer` when the door closes; the answer takes that back. */
  onClose(closer: () => void): () => void {
    this.#closers.add(closer);
    return () => this.#closers.delete(closer);
  }
}
