/** Milliseconds. The defaults are asynq's and must not shrink while Go servers share the queues; tests hand in shorter ones. */
export interface LeaseTimings {
  /** How long a lease lives after it is taken or renewed. */
  readonly lease: number;
  /** How long after its end a lease is left alone, for the error of clocks. */
  readonly grace: number;
}

export const LEASE_TIMINGS: LeaseTimings = { lease: 30_000, grace: 30_000 };
