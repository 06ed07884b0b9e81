/** What the calls of an engine need to know of its life. */
export interface EngineDoor {
  /** @throws ClosedError the engine is closed. */
  check(): void;
  /** Calls `closer` when the engine closes; the answer takes that back. */
  onClose(closer: () => void): () => void;
}
