import { appendFileSync, existsSync, readFileSync } from "node:fs";

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
    const lines = readFileSync(this.file, "utf8").trimEnd().split("\n");
    return lines.map((line) => JSON.parse(line) as LedgerLine);
  }
}
