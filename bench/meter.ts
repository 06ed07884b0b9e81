import { RedisMeter } from "./redis-meter.ts";
import { deleteFile } from "./sqlite/file.ts";
import type { Meter } from "./store-use.ts";

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
