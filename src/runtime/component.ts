/**
 * A background part of a server. Double start, double stop and stop before start are harmless.
 */
export interface Component {
  readonly name: string;
  /** Begins the work; resolves when the part does its job. Rejects only for what a restart cannot mend. */
  start(): Promise<void>;
  /** Ends the work and waits for what is under way; never rejects, and is bounded by its own deadlines. */
  stop(): Promise<void>;
}
