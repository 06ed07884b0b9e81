import type { QueueInfo } from "../index.ts";
import type { QueueRow, RatePoint, ServerCard } from "./api.ts";

/** Rates are taken over this time, so that they do not flicker. Milliseconds. */
const WINDOW = 10_000;
const SERIES = 900_000;
const MINUTE = 60_000;
const HOUR = 60;

interface Counters {
  readonly at: number;
  /** Tasks that are still to be run. */
  readonly backlog: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly archived: number;
}

interface MinuteOfAttempts {
  readonly minute: number;
  processed: number;
  failed: number;
}

/** What was seen of one queue over time: from that come its rates, and whether it gets better or worse. */
export class QueueTrack {
  readonly #recent: Counters[] = [];
  readonly #minutes: MinuteOfAttempts[] = [];
  #oldestAt: number | null = null;
  /** Since when more comes in than goes out, with the oldest task not moving on. */
  behindSince: number | null = null;
  readonly series: RatePoint[] = [];

  /** @param keepSeries - whether the points are kept for a chart */
  add(info: QueueInfo, servers: readonly ServerCard[] | null, keepSeries: boolean): QueueRow {
    const at = info.timestamp.getTime();
    const counters = countersOf(info, at);
    const last = this.#recent.at(-1);
    if (last !== undefined) this.#countMinute(last, counters);
    this.#recent.push(counters);
    while (this.#recent.length > 2 && at - (this.#recent[1]?.at ?? at) >= WINDOW) this.#recent.shift();
    const rates = ratesBetween(this.#recent[0] ?? counters, counters);
    const oldest = info.pending > 0 ? at - info.latency : null;
    const moved = oldest !== null && this.#oldestAt !== null && oldest - this.#oldestAt > 1_000;
    if (oldest === null || this.#oldestAt === null || Math.abs(oldest - this.#oldestAt) > 1_000) {
      this.#oldestAt = oldest;
    }
    const isBehind = rates !== null && oldest !== null && rates.inRate > rates.outRate && !moved;
    this.behindSince = isBehind ? (this.behindSince ?? at) : null;
    if (rates !== null && keepSeries) {
      this.series.push({ at, ...rates });
      while ((this.series[0]?.at ?? at) < at - SERIES) this.series.shift();
    }
    const serving = servers?.flatMap(({ queues }) => queues.filter(({ queue }) => queue === info.queue));
    return {
      queue: info.queue,
      paused: info.paused,
      size: info.size,
      pending: info.pending,
      active: info.active,
      scheduled: info.scheduled,
      retry: info.retry,
      archived: info.archived,
      completed: info.completed,
      aggregating: info.aggregating,
      groups: info.groups,
      oldestAt: this.#oldestAt,
      processedToday: info.processed,
      failedToday: info.failed,
      processedTotal: info.processedTotal,
      failedTotal: info.failedTotal,
      inRate: rates?.inRate ?? null,
      outRate: rates?.outRate ?? null,
      failureRate: rates?.failureRate ?? null,
      drainsIn: rates === null || info.pending === 0 ? null : drainsIn(info.pending, rates),
      priority: serving?.length ? Math.max(...serving.map(({ priority }) => priority)) : null,
      servers: serving?.length ?? null,
    };
  }

  /** Attempts of the last minute, and of the hour before. */
  attempts(now: number): { readonly lastMinute: Attempts; readonly hourBefore: Attempts } {
    const current = Math.floor(now / MINUTE);
    const lastMinute = { processed: 0, failed: 0 };
    const hourBefore = { processed: 0, failed: 0 };
    for (const { minute, processed, failed } of this.#minutes) {
      const sum = minute >= current - 1 ? lastMinute : hourBefore;
      sum.processed += processed;
      sum.failed += failed;
    }
    return { lastMinute, hourBefore };
  }

  #countMinute(before: Counters, after: Counters): void {
    const failed = Math.max(0, after.failed - before.failed);
    const processed = failed + Math.max(0, after.succeeded - before.succeeded);
    if (processed === 0) return;
    const minute = Math.floor(after.at / MINUTE);
    const last = this.#minutes.at(-1);
    if (last?.minute === minute) {
      last.processed += processed;
      last.failed += failed;
    } else this.#minutes.push({ minute, processed, failed });
    while ((this.#minutes[0]?.minute ?? minute) < minute - HOUR) this.#minutes.shift();
  }
}

export interface Attempts {
  readonly processed: number;
  readonly failed: number;
}

function countersOf(info: QueueInfo, at: number): Counters {
  const { pending, active, scheduled, retry, aggregating, archived, processedTotal, failedTotal } = info;
  return {
    at,
    backlog: pending + active + scheduled + retry + aggregating,
    succeeded: processedTotal - failedTotal,
    failed: failedTotal,
    archived,
  };
}

/**
 * What left the backlog has succeeded, or was archived; what came in is the difference. Deletions look as if less had come
 * in.
 */
function ratesBetween(from: Counters, to: Counters): Omit<RatePoint, "at"> | null {
  const seconds = (to.at - from.at) / 1_000;
  if (seconds <= 0) return null;
  const perSecond = (count: number) => Math.round((Math.max(0, count) / seconds) * 10) / 10;
  const out = Math.max(0, to.succeeded - from.succeeded) + Math.max(0, to.archived - from.archived);
  return {
    inRate: perSecond(to.backlog - from.backlog + out),
    outRate: perSecond(out),
    failureRate: perSecond(to.failed - from.failed),
  };
}

function drainsIn(pending: number, { inRate, outRate }: Omit<RatePoint, "at">): number | "never" {
  return outRate > inRate ? Math.round((pending / (outRate - inRate)) * 1_000) : "never";
}
