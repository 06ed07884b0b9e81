import type { Leased } from "./broker.ts";

/** Counts what may run at once, and how often, for all processes on the store. Instants are milliseconds. */
export interface LimitStore {
  /**
   * Takes one of the `maxTokens` tokens of `scope` for the task, until `expireAt`; a token that it holds already is kept,
   * and lasts as long. False: all are taken.
   */
  acquireToken(scope: string, taskId: string, maxTokens: number, expireAt: number): Promise<boolean>;

  /** False: the task holds no token; perhaps its time was over and another took it. */
  releaseToken(scope: string, taskId: string): Promise<boolean>;

  /** Whether any limit is known for the queue, or anything that one has counted. */
  isUsed(queue: string): Promise<boolean>;

  /**
   * Says that `server` has these limits for the queue, for `ttl` milliseconds, and answers those that all live servers
   * have: of each name the strictest.
   */
  share(queue: string, server: string, limits: readonly LimitSpec[], ttl: number): Promise<LimitSpec[]>;

  /**
   * Lets leased tasks start where all of their limits have room, each holding a slot until {@link release}, and parks the
   * others: out of their lease, scheduled for a day far away, until they have their turn. First come, first served:
   * who comes later waits behind those that are parked. Answers in the same order.
   *
   * When it rejects, tasks may hold slots, or be parked: hand them back, and release them.
   */
  admit(queue: string, admissions: readonly Admission[]): Promise<AdmitResult>;

  /**
   * Gives back the slots of attempts that have ended (a task that is leased keeps its slot: it is another attempt), and
   * moves as many of those that are parked to the head of pending. A task that was handed back keeps its turn.
   */
  release(queue: string, ended: readonly Ended[]): Promise<void>;

  /**
   * Moves on what waits and now may start: by the time of its rate, because its limit is gone from `limits`, or because
   * whoever held the slot is gone. A bounded part in each call.
   */
  review(queue: string, limits: readonly LimitSpec[]): Promise<LimitReview>;
}

/** A limit, the same for all tasks that it is for or for each of its keys. */
export interface LimitSpec {
  /** Printable ASCII. */
  readonly name: string;
  /** The type of task that it is for; `undefined`: every task of the queue. */
  readonly type?: string | undefined;
  readonly keyed: boolean;
  /** How many tasks may run at once. */
  readonly concurrency?: number | undefined;
  /** How many may start in any time of `per` milliseconds. */
  readonly rate?: { readonly limit: number; readonly per: number } | undefined;
}

/** What a task counts against. */
export interface LimitScope {
  readonly spec: LimitSpec;
  /** Printable ASCII; empty where the limit has no keys. */
  readonly key: string;
}

export interface Admission {
  readonly leased: Leased;
  readonly scopes: readonly LimitScope[];
}

export interface Ended {
  readonly taskId: string;
  /** The attempt was not run to its end, and its task is back in the queue. */
  readonly handedBack?: boolean;
  readonly scopes: readonly LimitScope[];
}

/** `lost`: the attempt is no longer the caller's; nothing was done. */
export type AdmitAnswer = "admitted" | "parked" | "lost";

export interface AdmitResult {
  readonly answers: AdmitAnswer[];
  /** When a parked task may have its turn without a release, as far as is known. */
  readonly reviewAt: number | undefined;
}

export interface LimitReview {
  /** Tasks that have their turn. */
  readonly released: number;
  /** When to look again; `undefined`: nobody waits. */
  readonly nextAt: number | undefined;
}
