/** What a store has spent, where it can tell. */
export interface StoreUse {
  readonly cpuUs: number;
  /** Commands, also those inside scripts, without this meter's own. */
  readonly calls: number;
}

/** Reads what the store under measurement spends, and empties it. */
export interface Meter {
  read(): Promise<StoreUse | undefined>;
  usedMemory(): Promise<number>;
  /** Nobody may use the store meanwhile. */
  clear(): Promise<void>;
  close(): void;
}
