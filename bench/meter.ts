import { RedisMeter } from "./redis-meter.ts";
import { deleteFile } from "./sqlite/file.ts";

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

export function meterOf(url: string): Meter {
  return url.startsWith("sqlite:") ? fileMeter(url) : new RedisMeter(url);
}

/** A file is used by the measured process alone, so its cost is that process's. */
function fileMeter(url: string): Meter {
  return {
    read: async () => undefined,
    usedMemory: () => Promise.reject(new Error("a file has no memory of its own")),
    clear: async () => deleteFile(url),
    close: () => undefined,
  };
}
