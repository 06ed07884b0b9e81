import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** One thing a handler did. */
export interface LedgerLine {
  readonly id: string;
  readonly type: string;
  readonly event: "started" | "succeeded" | "failed";
  readonly ms?: number;
  readonly error?: string;
}

/**
 * What handlers write for themselves: a file of JSON lines, independent of the queue, so that the queue never counts
 * itself.
 */
export class Ledger {
  private readonly file: string;

  constructor(file: string) {
    this.file = file;
  }

  write(line: LedgerLine): void {
    appendFileSync(this.file, `${JSON.stringify(line)}\n`);
  }

  read(): LedgerLine[] {
    if (!existsSync(this.file)) return [];
    // After the last line break stands nothing, or a line that is being written.
    const lines = readFileSync(this.file, "utf8").split("\n").slice(0, -1);
    return lines.map((line) => JSON.parse(line) as LedgerLine);
  }
}

/** Where the ledger of a demo lies. */
export function ledgerIn(directory: string): string {
  return join(directory, "ledger.jsonl");
}
