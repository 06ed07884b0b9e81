import type { Logger } from "../runtime/logger.ts";
import type { AuditLine } from "./api.ts";

/** Lines that are kept. */
const KEPT = 1_000;

/** Who changed what. In memory, and in the log, which is where it lasts. */
export class Audit {
  readonly #logger: Logger;
  readonly #tell: ((line: AuditLine) => void) | undefined;
  readonly #lines: AuditLine[] = [];

  constructor(logger: Logger, tell: ((line: AuditLine) => void) | undefined) {
    this.#logger = logger;
    this.#tell = tell;
  }

  add(line: AuditLine): void {
    this.#lines.push(line);
    if (this.#lines.length > KEPT) this.#lines.shift();
    const { what, on, user, role, count, outcome, code } = line;
    this.#logger.info({ audit: what, on, user, role, count, outcome, code }, "changed through the monitor");
    this.#tell?.(line);
  }

  /** The newest first. */
  get lines(): AuditLine[] {
    return this.#lines.toReversed();
  }
}
