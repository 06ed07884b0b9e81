import type { Leased, Outcome, Settlement } from "../../broker/broker.ts";
import { encodeTaskMessage } from "../../protocol/codec.ts";
import type { QueueKeys } from "../../protocol/keys.ts";
import { type Lease, leaseOf } from "./lease-token.ts";
import type { RedisArg } from "./redis-commands.ts";

/** Beyond these a script call keeps others on the server waiting, docs/protocol.md 18.8. */
const MOST_OUTCOMES = 500;
const MOST_BYTES = 1_024 * 1_024;

/** How an attempt ends on the wire: `quarantine` archives a message that nobody can read, bytes untouched. */
export type WireSettlement =
  | Settlement
  | { readonly kind: "quarantine" }
  /** A requeue that brings the bytes, since the hash is gone. */
  | { readonly kind: "restore" };

/** An outcome on its way, and its position in the caller's list. */
export interface WireOutcome {
  readonly id: string;
  readonly lease: Lease;
  /** Absent where the message cannot be read. */
  readonly leased?: Leased;
  readonly settlement: WireSettlement;
  readonly repeated: boolean;
  readonly position: number;
}

export function wireOutcome({ leased, settlement, repeated }: Outcome, position: number): WireOutcome {
  const lease = leaseOf(leased);
  return { id: leased.message.id, lease, leased, settlement, repeated: repeated === true, position };
}

/** Outcomes that travel in one call of the exchange script, in the order of their leasing. */
export class OutcomeBatch {
  readonly outcomes: WireOutcome[] = [];
  readonly #names: QueueKeys;
  readonly #withProof: boolean;
  readonly #tasks: string[] = [];
  readonly #locks: string[] = [];
  readonly #runs: RedisArg[] = [];
  readonly #proofs: RedisArg[] = [];
  readonly #details: RedisArg[] = [];
  #kinds = "";
  #runLength = 0;
  #bytes = 0;

  /** @param withProof - each outcome shows that the caller was given the task */
  constructor(names: QueueKeys, withProof = false) {
    this.#names = names;
    this.#withProof = withProof;
  }

  /** Whether there is room for one more; an empty batch takes any. */
  fits(outcome: WireOutcome): boolean {
    if (this.outcomes.length === MOST_OUTCOMES) return false;
    return this.#bytes === 0 || this.#bytes + weight(outcome) <= MOST_BYTES;
  }

  add(outcome: WireOutcome): void {
    this.#bytes += weight(outcome);
    const { id, lease } = outcome;
    const { taskPrefix, uniquePrefix } = this.#names;
    this.outcomes.push(outcome);
    this.#tasks.push(taskPrefix + id);
    if (this.#runLength > 0 && this.#runs.at(-2) === lease.score) {
      this.#runLength += 1;
      this.#runs[this.#runs.length - 1] = this.#runLength;
    } else {
      this.#runLength = 1;
      this.#runs.push(lease.score, 1);
    }
    if (this.#withProof) this.#proofs.push(lease.proof());

    const letter = this.#detail(outcome);
    const lock = RELEASES_LOCK.has(letter) ? (outcome.leased?.message.uniqueKey ?? "") : "";
    // The prefix: a forged name must not lead the script to another queue's key, or to another node of a Cluster.
    if (lock.startsWith(uniquePrefix)) {
      this.#locks.push(lock);
      this.#kinds += letter.toUpperCase();
    } else {
      this.#kinds += letter;
    }
  }

  get keys(): string[] {
    return this.#locks.length === 0 ? this.#tasks : [...this.#tasks, ...this.#locks];
  }

  get args(): { kinds: string; runs: number; proven: number; outcomes: RedisArg[] } {
    return {
      kinds: this.#kinds,
      runs: this.#runs.length / 2,
      proven: this.#withProof ? 1 : 0,
      outcomes: [...this.#runs, ...this.#proofs, ...this.#details],
    };
  }

  /** Appends what the script reads of this outcome, and answers its letter. */
  #detail({ settlement, leased }: WireOutcome): string {
    switch (settlement.kind) {
      case "done":
        return "d";
      case "complete": {
        const { message, expireAt, result } = settlement;
        this.#details.push(Math.floor(expireAt), encodeTaskMessage(message));
        if (result === undefined) return "c";
        this.#details.push(result);
        return "k";
      }
      case "retry":
        this.#details.push(Math.ceil(settlement.retryAt), encodeTaskMessage(settlement.message));
        return settlement.isFailure ? "r" : "s";
      case "archive":
        this.#details.push(encodeTaskMessage(settlement.message));
        return "a";
      case "quarantine":
        return "x";
      case "requeue":
        return "q";
      case "restore":
        if (leased !== undefined) this.#details.push(encodeTaskMessage(leased.message));
        return "b";
    }
  }
}

/** Roughly the bytes that an outcome carries. */
function weight({ settlement, leased }: WireOutcome): number {
  switch (settlement.kind) {
    case "complete":
      return (settlement.message.payload?.length ?? 0) + (settlement.result?.length ?? 0);
    case "retry":
    case "archive":
      return settlement.message.payload?.length ?? 0;
    case "restore":
      return leased?.message.payload?.length ?? 0;
    default:
      return 0;
  }
}

/** Success frees the unique lock; after a failure the task still stands for its work. */
const RELEASES_LOCK = new Set(["d", "c", "k"]);

/** Cuts outcomes into calls. Never none: the last call also leases. */
export function cutOutcomes(names: QueueKeys, outcomes: readonly Outcome[]): OutcomeBatch[] {
  const wired = outcomes.map(wireOutcome);
  // From the tail of `active` the oldest attempt is found at once, the newest only behind all others.
  wired.sort((a, b) => a.lease.order - b.lease.order);
  let batch = new OutcomeBatch(names);
  const batches = [batch];
  for (const outcome of wired) {
    if (!batch.fits(outcome)) {
      batch = new OutcomeBatch(names);
      batches.push(batch);
    }
    batch.add(outcome);
  }
  return batches;
}
