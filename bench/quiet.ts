import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** The kernel counts processor time in these, whatever its own clock. */
const TICKS_A_SECOND = 100;
/** More than this part of one core, used by others, spoils a measurement. */
const MOST_OTHERS = 0.1;
const LOOK = 1_000;
const LONGEST_WAIT = 300_000;

/**
 * Tells what the rest of the machine does while something is measured. Linux only; elsewhere nobody seems to do
 * anything.
 */
export class Neighbours {
  readonly #pids: readonly number[];

  /** @param pids - processes that belong to the measurement, beside this one and its children that have ended */
  constructor(pids: readonly number[]) {
    this.#pids = pids;
  }

  /** Begins to watch; the answer tells which part of one core others have used since, on average. */
  watch(): () => number {
    if (process.platform !== "linux") return () => 0;
    const start = performance.now();
    const before = this.#others();
    return () => {
      const seconds = (performance.now() - start) / 1_000;
      return (this.#others() - before) / TICKS_A_SECOND / seconds;
    };
  }

  /** Resolves when the machine has been quiet for a moment; rejects when it never is. */
  async quiet(): Promise<void> {
    const deadline = performance.now() + LONGEST_WAIT;
    while (performance.now() < deadline) {
      const others = this.watch();
      await sleep(LOOK);
      if (others() <= MOST_OTHERS) return;
    }
    throw new Error(`the machine was not quiet for ${LONGEST_WAIT / 60_000} minutes: measure when it is`);
  }

  static spoiled(others: number): boolean {
    return others > MOST_OTHERS;
  }

  /** Ticks that processes not of ours have used. */
  #others(): number {
    const own = ["self", ...this.#pids].map((pid) => usedBy(readFileSync(`/proc/${pid}/stat`, "utf8")));
    return usedByAll(readFileSync("/proc/stat", "utf8")) - own.reduce((sum, ticks) => sum + ticks, 0);
  }
}

/** user, nice, system; interrupts belong to whoever the packets were for. */
function usedByAll(stat: string): number {
  const [user = 0, nice = 0, system = 0] = stat.split("\n")[0]?.split(/\s+/).slice(1, 4).map(Number) ?? [];
  return user + nice + system;
}

/** utime, stime, and the same of children that have ended; the name before them may hold spaces. */
function usedBy(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
}
