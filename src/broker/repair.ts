/** What `fsck` can find wrong. Stable: tools may compare it. */
export type FindingCode =
  | "GHOST"
  | "STUB"
  | "ORPHAN"
  | "DOUBLE"
  | "WRONG_STATE"
  | "WRONG_GROUP"
  | "ACTIVE_WITHOUT_LEASE"
  | "LEASE_WITHOUT_ACTIVE"
  | "LEASE_TOO_LONG"
  | "STALE_TIME"
  | "LOCK_LEAKED"
  | "GROUP_NOT_LISTED"
  | "GROUP_EMPTY"
  | "SET_NOT_LISTED"
  | "SET_MISSING"
  | "QUEUE_NOT_LISTED"
  | "UNDECODABLE"
  | "WRONG_TYPE"
  | "FILE_DAMAGED";

/** One thing that is wrong with the stored data. */
export interface Finding {
  readonly code: FindingCode;
  /** Empty: it concerns the whole store. */
  readonly queue: string;
  /** Id of the task that is concerned, or the name of the key, group or set. */
  readonly subject: string;
  /** What is wrong, in words. */
  readonly problem: string;
  /** What was done about it. Absent: nothing, since nobody asked, or nothing can be done. */
  readonly repaired?: string;
}

export interface FsckCall {
  /** `undefined`: all there are, those that are not registered included. */
  readonly queues: readonly string[] | undefined;
  /** Mends what can be mended. */
  readonly repair: boolean;
  /** Ends the search between two steps; what was mended stays mended. */
  readonly signal: AbortSignal | undefined;
  readonly onFinding: (finding: Finding) => void;
  /** Counts in steps of the store's own; `total` is an estimate. */
  readonly onProgress: (done: number, total: number) => void;
}

export interface FsckEnd {
  /** The queues that were looked at. */
  readonly queues: readonly string[];
  /** How many tasks were looked at. */
  readonly tasks: number;
  /** The signal ended it. */
  readonly stopped: boolean;
}

/** What `doctor` has an opinion on. Stable: tools may compare it. */
export type AdviceCode =
  | "VERSION"
  | "PERSISTENCE"
  | "EVICTION"
  | "MEMORY"
  | "REPLICAS"
  | "CLOCK"
  | "LATENCY"
  | "PERMISSIONS"
  | "UNSEEN"
  | "JOURNAL"
  | "SYNCHRONOUS"
  | "INTEGRITY"
  | "FILE_SIZE"
  | "DISK_SPACE"
  | "NOT_DURABLE"
  | "SERVERS"
  | "SERVERS_STALE"
  | "GO_PEERS"
  | "QUEUE_UNSERVED"
  | "QUEUE_PAUSED"
  | "HANDLER_MISSING"
  | "LIMITS_DIFFER";

export interface Advice {
  readonly code: AdviceCode;
  /** `problem`: tasks may be lost or are not run. `warning`: know of it. */
  readonly severity: "ok" | "warning" | "problem";
  /** What was found, in words. */
  readonly finding: string;
  /** What it means for tasks. */
  readonly meaning?: string;
  /** What to do about it, as a command where there is one. */
  readonly remedy?: string;
}

export interface Diagnosis {
  readonly facts: Readonly<Record<string, string | number | boolean>>;
  readonly advice: readonly Advice[];
}

/** Looks for damage in the stored data, and at the state of the store itself. */
export interface Repair {
  /** Goes through everything that is stored, in bounded steps, beside whoever else works on it. */
  fsck(call: FsckCall): Promise<FsckEnd>;

  /** What the store says of itself. What its user may not ask is said to be unseen; that fails nothing. */
  diagnose(): Promise<Diagnosis>;
}
