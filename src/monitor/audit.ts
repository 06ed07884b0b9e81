import type { Logger } from "../runtime/logger.ts";
import type { AuditLine, BulkRequest } from "./api.ts";

/** Lines that are kept. */
const KEPT = 1_000;
/** Of which at most so many are refusals: whoever may do nothing cannot push out what others did. */
const REFUSALS = 250;

/** Who changed what. In memory, and in the log, which is where it lasts. */
export class Audit {
  readonly #logger: Logger;
  readonly #tell: ((line: AuditLine) => void) | undefined;
  readonly #lines: AuditLine[] = [];

  constructor(logger: Logger, tell: ((line: AuditLine) => void) | undefined) {
    this.#logger = logger;
    this.#tell = tell;
  }

  /** Never throws: what was done is done, whoever cannot be told. */
  add(line: AuditLine): void {
    this.#lines.push(line);
    const refusals = this.#lines.filter(({ outcome }) => outcome === "refused");
    const [oldest] = refusals.length > REFUSALS ? refusals : this.#lines;
    if (refusals.length > REFUSALS || this.#lines.length > KEPT) {
      this.#lines.splice(this.#lines.indexOf(oldest as AuditLine), 1);
    }
    const { what, on, user, role, count, outcome, code } = line;
    this.#logger.info({ audit: what, on, user, role, count, outcome, code }, "changed through the monitor");
    try {
      this.#tell?.(line);
    } catch (error) {
      this.#logger.error({ error, audit: what }, "onAudit has failed");
    }
  }

  /** The newest first. */
  get lines(): AuditLine[] {
    return this.#lines.toReversed();
  }
}

/** Names as one text, of which each is told apart from the next whatever it holds. */
export function namesText(names: readonly string[]): string {
  return names.map((name) => (/^[\w./:@*-]+$/.test(name) ? name : JSON.stringify(name))).join(" ");
}

/** Tasks and queues of one change that are named; the others are counted. */
const NAMED = 20;

export function tasksText(tasks: readonly { readonly queue: string; readonly id: string }[]): string {
  const more = tasks.length - NAMED;
  const named = tasks.slice(0, NAMED).map(({ queue, id }) => `${namesText([queue])}/${namesText([id])}`);
  return [...named, ...(more > 0 ? [`and ${more} more`] : [])].join(" ");
}

/** What an order is of: queues, and which of their tasks. Of all that there is, nothing. */
export function orderText({ queues, filter, states, group, fingerprint }: Order): string {
  const more = (queues?.length ?? 0) - NAMED;
  return [
    ...(queues ? [namesText(queues.slice(0, NAMED))] : []),
    ...(more > 0 ? [`and ${more} more`] : []),
    ...(states ?? []).map((state) => `state:${state}`),
    ...(filter === "" ? [] : [filter]),
    ...(group ? [`group ${namesText([group])}`] : []),
    ...(fingerprint ? [`failures ${fingerprint}`] : []),
  ].join(" ");
}

/** As it was asked for, or as the operation has it. */
type Order = Pick<BulkRequest, "filter"> & {
  readonly [Name in "queues" | "states" | "group" | "fingerprint"]?: BulkRequest[Name] | null;
};
