export interface Health {
  /** `bad`: something does not work. `warning`: it will not for long. `unknown`: the engine was never seen. */
  status: "good" | "warning" | "bad" | "unknown";
  /** Plain words, for a title. */
  sentence: string;
  /** Worst first; empty when all is well. */
  findings: HealthFinding[];
}

export interface HealthFinding {
  code:
    | "engine-away"
    | "queue-unreadable"
    | "no-server"
    | "falling-behind"
    | "error-burst"
    | "paused-with-work"
    | "missed-tick";
  level: "warning" | "bad";
  queue: string | null;
  /** Id of the scheduler's entry, of `missed-tick`. */
  entry: string | null;
  text: string;
}
