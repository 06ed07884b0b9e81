import { closeSync, openSync, readdirSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";

/** What a process did or saw, one line of its ledger. */
export type HistoryEvent = Stamp &
  (
    | { readonly type: "invoke"; readonly id: string; readonly processAt?: number }
    /** The enqueue was acknowledged, was surely not stored, or nobody knows. */
    | { readonly type: "ok" | "fail" | "info"; readonly id: string }
    | { readonly type: "start"; readonly id: string; readonly attempt: number }
    | { readonly type: "end"; readonly id: string; readonly attempt: number; readonly ok: boolean }
    /** The attempt was handed back, so that one more start is to be expected. */
    | { readonly type: "requeue"; readonly id: string }
    | { readonly type: "nemesis"; readonly fault: string; readonly target: string }
  );

interface Stamp {
  readonly process: string;
  readonly seq: number;
  /** Milliseconds of the machine's monotonic clock, which all its processes share. */
  readonly mono: number;
  readonly wall: number;
}

type Unstamped<E> = E extends unknown ? Omit<E, keyof Stamp> : never;

/** Everything, as a target of the nemesis: a fault of Redis or of the network concerns every worker. */
export const EVERYONE = "everyone";

/**
 * The history of one process: a file that it alone appends to, a whole line at a time. What is written is there even
 * if the process is killed in the next instant.
 */
export class Ledger {
  readonly #process: string;
  readonly #file: number;
  #seq = 0;

  constructor(directory: string, process: string) {
    this.#process = process;
    this.#file = openSync(join(directory, `${process}.jsonl`), "a");
  }

  write(event: Unstamped<HistoryEvent>): void {
    const mono = Number(process.hrtime.bigint() / 1_000n) / 1_000;
    const stamp: Stamp = { process: this.#process, seq: this.#seq++, mono, wall: Date.now() };
    writeSync(this.#file, `${JSON.stringify({ ...stamp, ...event })}\n`);
  }

  close(): void {
    closeSync(this.#file);
  }
}

/** All ledgers of a directory, in the order of time. */
export function readHistory(directory: string): HistoryEvent[] {
  const files = readdirSync(directory).filter((name) => name.endsWith(".jsonl"));
  const lines = files.flatMap((name) => readFileSync(join(directory, name), "utf8").split("\n"));
  const events = lines.filter((line) => line !== "").map((line) => JSON.parse(line) as HistoryEvent);
  return events.sort((a, b) => a.mono - b.mono || a.seq - b.seq);
}
