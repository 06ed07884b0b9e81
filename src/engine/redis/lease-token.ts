import { createHash } from "node:crypto";
import type { Leased, LeaseToken } from "../../broker/broker.ts";
import type { TaskMessage } from "../../protocol/task-message.ts";

/** The fraction of a lease score counts in these; the largest one is the sweep's, docs/protocol.md 18.1. */
const PARTS = 2 ** 20;
const TOKENS = PARTS - 2;

/** One attempt at a task, as the engine knows it: the token behind the door. */
export class Lease {
  /** The lease score that was last written for this attempt, as text. Its fraction never changes. */
  score: string;
  /** Counts up from lease to lease of this process. */
  readonly order: number;
  readonly #message: Uint8Array;

  constructor(score: string, order: number, message: Uint8Array) {
    this.score = score;
    this.order = order;
    this.#message = message;
  }

  /** Shows that this attempt was given the task, should its lease be lost: the SHA-1 of the message as stored. */
  proof(): string {
    return createHash("sha1").update(this.#message).digest("hex");
  }
}

export function leasedAs(message: TaskMessage, lease: Lease, pendingSince?: number): Leased {
  return { message, token: lease as unknown as LeaseToken, pendingSince };
}

export function leaseOf({ token }: { readonly token: LeaseToken }): Lease {
  return token as unknown as Lease;
}

/**
 * Draws the scores of new leases. From a random start one token follows the other, so none comes back while an attempt
 * that has it could still be known here; `restart` goes elsewhere when a token turns out to be taken.
 */
export class LeaseScores {
  readonly #random: () => number;
  #token = 0;

  constructor(random: () => number) {
    this.#random = random;
    this.restart();
  }

  restart(): void {
    this.#token = Math.floor(this.#random() * TOKENS);
  }

  /** The score of leases that end `seconds` after `now`. */
  next(now: number, seconds: number): string {
    this.#token = (this.#token + 1) % TOKENS;
    return String(Math.ceil(now / 1_000) + seconds + (this.#token + 1) / PARTS);
  }
}
