/** Milliseconds that follow from the protocol and are no options. Tests hand in shorter ones. */
export interface ServerTimings {
  /** Between renewals of leases and records. */
  readonly heartbeat: number;
  /** How long a server's record lives after a heartbeat. */
  readonly recordTtl: number;
  /** After the last renewal was sent, when an attempt is given up: lease 30 s + 20 s; others may take it at 60 s. */
  readonly leaseLimit: number;
  readonly recover: number;
  /** First wait before outcomes are sent again; doubles up to `syncMax`. */
  readonly sync: number;
  readonly syncMax: number;
  /** How long outcomes are sent again at all. */
  readonly syncFor: number;
  /** Between attempts to listen for cancelations. */
  readonly subscribe: number;
  /** First wait between attempts to reach the engine; doubles up to `connectMax`. */
  readonly connect: number;
  readonly connectMax: number;
}

export const SERVER_TIMINGS: ServerTimings = {
  heartbeat: 5_000,
  recordTtl: 10_000,
  leaseLimit: 50_000,
  recover: 15_000,
  sync: 1_000,
  syncMax: 15_000,
  syncFor: 600_000,
  subscribe: 5_000,
  connect: 100,
  connectMax: 2_000,
};
