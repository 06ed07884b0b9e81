import type { RollupStore } from "../broker/rollups.ts";
import { EngineUnavailableError } from "../errors.ts";
import {
  bucketOf,
  type Histogram,
  LAST_BUCKET,
  type Measured,
  MOST_TYPES,
  OTHER_TYPES,
  ROLLUP_LENGTH,
  sumOf,
} from "../protocol/rollup.ts";
import type { Logger } from "../runtime/logger.ts";

export interface RollupsOptions {
  readonly store: Pick<RollupStore, "add">;
  /** Milliseconds of the engine's clock. */
  readonly now: () => number;
  readonly logger: Logger;
}

/** An attempt that has ended. */
export interface Ended {
  readonly queue: string;
  readonly type: string;
  readonly failed: boolean;
  readonly waitMs: number | undefined;
  readonly durationMs: number | undefined;
}

/** Milliseconds between two writes, at most one of each queue. */
const INTERVAL = 60_000;
/** A type that is longer, in characters, is not counted by itself. */
const LONGEST_TYPE = 200;

type ByType = Map<string, Measured>;

/**
 * Measures what ends here, in memory, and adds it once a minute to what others have measured. Attempts are numbers in
 * an array until then. Which five minutes they belong to is asked at heartbeats, so it is a few seconds off.
 */
export class Rollups {
  readonly #options: RollupsOptions;
  /** By queue and type. */
  #measuring = new Map<string, Map<string, Tally>>();
  /** Where the five minutes begin that are being measured. */
  #at: number;
  #writtenAt: number;
  /** Surely not written, by beginning and queue. */
  readonly #unwritten = new Map<number, Map<string, ByType>>();
  #writing: Promise<void> | undefined;

  constructor(options: RollupsOptions) {
    this.#options = options;
    this.#writtenAt = options.now();
    this.#at = beginningOf(this.#writtenAt);
  }

  ended({ queue, type, failed, waitMs, durationMs }: Ended): void {
    const tally = this.#tallyOf(queue, type);
    tally.processed += 1;
    if (failed) tally.failed += 1;
    if (waitMs !== undefined) count(tally.wait, waitMs);
    if (durationMs !== undefined) count(tally.run, durationMs);
  }

  /** Asked with every heartbeat; writes once a minute, in the background. Never throws. */
  beat(): void {
    const now = this.#options.now();
    const at = beginningOf(now);
    if (at === this.#at && now - this.#writtenAt < INTERVAL) return;
    this.#take();
    this.#at = at;
    this.#writtenAt = now;
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
    });
  }

  /** Writes what is left. Never rejects. */
  async finish(): Promise<void> {
    await this.#writing;
    this.#take();
    await this.#write();
  }

  #tallyOf(queue: string, type: string): Tally {
    let types = this.#measuring.get(queue);
    if (types === undefined) {
      types = new Map();
      this.#measuring.set(queue, types);
    }
    const known = types.get(type);
    if (known !== undefined) return known;
    const name = types.size < MOST_TYPES && type.length <= LONGEST_TYPE ? type : OTHER_TYPES;
    const tally = types.get(name) ?? new Tally();
    types.set(name, tally);
    return tally;
  }

  /** What was measured since the last time goes to what is to be written. */
  #take(): void {
    for (const [queue, types] of this.#measuring) {
      for (const [type, tally] of types) this.#keep(this.#at, queue, type, tally.measured());
    }
    this.#measuring = new Map();
  }

  #keep(at: number, queue: string, type: string, measured: Measured): void {
    const queues = this.#unwritten.get(at) ?? new Map<string, ByType>();
    this.#unwritten.set(at, queues);
    const types = queues.get(queue) ?? new Map<string, Measured>();
    queues.set(queue, types);
    const before = types.get(type);
    types.set(type, before === undefined ? measured : sumOf(before, measured));
  }

  async #write(): Promise<void> {
    for (const [at, queues] of [...this.#unwritten]) {
      this.#unwritten.delete(at);
      await Promise.all([...queues].map(([queue, types]) => this.#add(at, queue, types)));
    }
  }

  /** What may have been written is not written again: too little is better than twice. */
  async #add(at: number, queue: string, types: ByType): Promise<void> {
    try {
      await this.#options.store.add(queue, at, types);
    } catch (error) {
      this.#options.logger.debug({ queue, error }, "what was measured cannot be written");
      if (!(error instanceof EngineUnavailableError) || error.inDoubt) return;
      for (const [type, measured] of types) this.#keep(at, queue, type, measured);
    }
  }
}

function beginningOf(now: number): number {
  return Math.floor(now / ROLLUP_LENGTH) * ROLLUP_LENGTH;
}

function count(buckets: Uint32Array, ms: number): void {
  const bucket = bucketOf(ms);
  buckets[bucket] = (buckets[bucket] ?? 0) + 1;
}

/** What is measured of one type. */
class Tally {
  processed = 0;
  failed = 0;
  readonly wait = new Uint32Array(LAST_BUCKET + 1);
  readonly run = new Uint32Array(LAST_BUCKET + 1);

  measured(): Measured {
    const { processed, failed, wait, run } = this;
    return { processed, failed, wait: histogramOf(wait), run: histogramOf(run) };
  }
}

function histogramOf(buckets: Uint32Array): Histogram {
  return Object.fromEntries([...buckets.entries()].filter(([, many]) => many > 0));
}
