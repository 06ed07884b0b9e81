import type { LeaseTimings } from "../../src/engine/timings.ts";
import type { ServerTimings } from "../../src/server/server-timings.ts";

/** The product's times at about a fifteenth of their length, in the same proportions. */
export const SHORT_LEASE: LeaseTimings = { lease: 2_000, grace: 1_000 };

export const SHORT_TIMINGS: ServerTimings = {
  heartbeat: 400,
  recordTtl: 2_000,
  leaseLimit: SHORT_LEASE.lease + 700,
  recover: 500,
  sync: 200,
  syncMax: 1_000,
  syncFor: 60_000,
  subscribe: 300,
  connect: 50,
  connectMax: 500,
};
