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
  if (url.startsWith("redis:")) return new RedisMeter(url);
  return embeddedMeter(url.startsWith("sqlite:") ? () => deleteFile(url) : () => undefined);
}

/** An embedded store's cost is that of the measured process. */
function embeddedMeter(clear: () => void): Meter {
  return {
    read: async () => undefined,
    usedMemory: () => Promise.reject(new Error("an embedded store has no memory of its own")),
    clear: async () => clear(),
    close: () => undefined,
  };
}
