import type { Leased, Outcome, Settlement } from "../../broker/broker.ts";
import { type AttemptRecord, encodeAttempt } from "../../protocol/attempt-log.ts";
import { encodeTaskMessage } from "../../protocol/codec.ts";
import type { QueueKeys } from "../../protocol/keys.ts";
import { checkSettlement } from "../check-settlement.ts";
import { type Lease, leaseOf } from "./lease-token.ts";
import type { RedisArg, RedisKey } from "./redis-commands.ts";
import { type StoredId, storedTaskKey } from "./stored-id.ts";

/** Beyond these a script call keeps others on the server waiting, docs/protocol.md 18.8. */
const MOST_OUTCOMES = 500;
const MOST_BYTES = 1_024 * 1_024;

/** An outcome on its way, as the script reads it. */
export interface WireOutcome {
  readonly id: StoredId;
  readonly lease: Lease;
  /** Absent where the message cannot be read. */
  readonly leased?: Leased;
  /** What happens to the attempt: `lua/process/exchange.lua`. */
  readonly letter: string;
  readonly details: readonly RedisArg[];
  /** Of the details. */
  readonly bytes: number;
  readonly repeated: boolean;
  /** In the caller's list. */
  readonly position: number;
}

function wireOutcome({ leased, settlement, repeated }: Outcome, position: number): WireOutcome {
  checkSettlement(settlement);
  const lease = leaseOf(leased);
  const [letter, details] = wired(settlement);
  const bytes = weight(details);
  return {
    id: leased.message.id,
    lease,
    leased,
    letter,
    details,
    bytes,
    repeated: repeated === true,
    position,
  };
}

/** Archives a message that nobody can read, its bytes untouched. */
export function quarantineOutcome(id: StoredId, lease: Lease, position: number): WireOutcome {
  return { id, lease, letter: "x", details: NONE, bytes: 0, repeated: false, position };
}

/** The same requeue, bringing the bytes: the hash is gone. */
export function restoring(requeue: WireOutcome): WireOutcome {
  const details = requeue.leased === undefined ? NONE : [encodeTaskMessage(requeue.leased.message)];
  return { ...requeue, letter: "b", details, bytes: weight(details) };
}

/** Outcomes that travel in one call of the exchange script, in the order of their leasing. */
export class OutcomeBatch {
  readonly outcomes: WireOutcome[] = [];
  readonly #names: QueueKeys;
  readonly #withProof: boolean;
  readonly #tasks: RedisKey[] = [];
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
    return this.#bytes === 0 || this.#bytes + outcome.bytes <= MOST_BYTES;
  }

  add(outcome: WireOutcome): void {
    this.#bytes += outcome.bytes;
    const { id, lease, letter, details } = outcome;
    const { taskPrefix, uniquePrefix } = this.#names;
    this.outcomes.push(outcome);
    this.#tasks.push(storedTaskKey(taskPrefix, id));
    if (this.#runLength > 0 && this.#runs.at(-2) === lease.score) {
      this.#runLength += 1;
      this.#runs[this.#runs.length - 1] = this.#runLength;
    } else {
      this.#runLength = 1;
      this.#runs.push(lease.score, 1);
    }
    if (this.#withProof) this.#proofs.push(lease.proof());

    if (details.length > 0) this.#details.push(...details);
    const lock = RELEASES_LOCK.has(letter) ? (outcome.leased?.message.uniqueKey ?? "") : "";
    // The prefix: a forged name must not lead the script to another queue's key, or to another node of a Cluster.
    if (lock.startsWith(uniquePrefix)) {
      this.#locks.push(lock);
      this.#kinds += letter.toUpperCase();
    } else {
      this.#kinds += letter;
    }
  }

  get keys(): RedisKey[] {
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
}

const NONE: readonly RedisArg[] = [];

/** The letter of a settlement, and what the script reads with it. */
function wired(settlement: Settlement): [letter: string, details: readonly RedisArg[]] {
  switch (settlement.kind) {
    case "done":
      return DONE;
    case "complete": {
      const { message, expireAt, result } = settlement;
      const details = [Math.floor(expireAt), encodeTaskMessage(message)];
      return result === undefined ? ["c", details] : ["k", [...details, result]];
    }
    case "retry": {
      const { message, retryAt, isFailure, attempt } = settlement;
      const details = [Math.ceil(retryAt), encodeTaskMessage(message)];
      return isFailure ? ["r", [...details, logEntry(attempt)]] : ["s", details];
    }
    case "archive":
      return ["a", [encodeTaskMessage(settlement.message), logEntry(settlement.attempt)]];
    case "requeue":
      return ["q", NONE];
  }
}

/** What the script adds to the log of the task; empty: nothing. */
export function logEntry(attempt: AttemptRecord | undefined): Uint8Array {
  return attempt === undefined ? NO_ENTRY : Buffer.from(encodeAttempt(attempt));
}

const NO_ENTRY = Buffer.alloc(0);
const DONE: [string, readonly RedisArg[]] = ["d", NONE];

function weight(details: readonly RedisArg[]): number {
  let bytes = 0;
  for (const detail of details) if (typeof detail === "object") bytes += detail.length;
  return bytes;
}

/** Success frees the unique lock; after a failure the task still stands for its work. */
const RELEASES_LOCK = new Set(["d", "c", "k"]);

/**
 * From the tail of `active` the oldest attempt is found at once, the newest only behind all others.
 *
 * @throws InvalidOptionError an instant is none
 */
export function inOrderOfLeasing(outcomes: readonly Outcome[]): WireOutcome[] {
  return outcomes.map(wireOutcome).sort((a, b) => a.lease.order - b.lease.order);
}

/** Cuts outcomes into calls. Never none: the last call also leases. */
export function cutOutcomes(
  names: QueueKeys,
  outcomes: readonly WireOutcome[],
  withProof = false,
): OutcomeBatch[] {
  let batch = new OutcomeBatch(names, withProof);
  const batches = [batch];
  for (const outcome of outcomes) {
    if (!batch.fits(outcome)) {
      batch = new OutcomeBatch(names, withProof);
      batches.push(batch);
    }
    batch.add(outcome);
  }
  return batches;
}
