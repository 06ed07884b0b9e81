/** Events kept of one entry, as in asynq. */
export const MOST_EVENTS = 1_000;
/** Milliseconds that an event is kept, as asynq keeps the counters of a day. */
export const EVENT_TTL = 90 * 86_400_000;
/** Milliseconds that a tick may be ahead of the store's clock. */
export const EARLY_LIMIT = 2_000;
/** Milliseconds: a remembered tick that is farther ahead is the mistake of a clock, and none. */
export const FUTURE_LIMIT = 60_000;
