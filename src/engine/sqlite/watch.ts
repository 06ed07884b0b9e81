import type { QueueWatch, Wake, WatchKind } from "../../broker/broker.ts";
import { nextDue } from "../embedded/forward.ts";
import type { SqliteStore } from "./sqlite-store.ts";

export interface SqliteWatchOptions {
  readonly wake: Wake;
  /** Something was armed: look at it. */
  readonly onArm: () => void;
  readonly isLive: () => boolean;
  readonly onClose: () => void;
}

/** One queue and kind that someone waits for. */
interface Spot {
  readonly queue: string;
  readonly kind: WatchKind;
  /** When the first delayed task fell due, at the last look. Only an earlier one is news. */
  firstDue: number;
  /** When a task last joined a group, at the last look. Only a later one is news. */
  lastJoined: number;
}

/** What one look saw of a spot. */
export interface Sight {
  readonly spot: Spot;
  readonly isPending: boolean;
  /** Infinite: nothing is delayed, or nobody asked. */
  readonly firstDue: number;
  /** Minus infinity: no group has a task, or nobody asked. */
  readonly lastJoined: number;
}

/** Looks at armed queues whenever it is told to, and wakes for those where there is reason to. */
export class SqliteWatch implements QueueWatch {
  readonly #options: SqliteWatchOptions;
  readonly #spots = new Map<string, Spot>();
  #closed = false;

  constructor(options: SqliteWatchOptions) {
    this.#options = options;
  }

  get live(): boolean {
    return this.#options.isLive();
  }

  get isArmed(): boolean {
    return this.#spots.size > 0;
  }

  /** Also looks at one that is armed already, before anything that its owner looks at afterwards. */
  arm(queue: string, kind: WatchKind): void {
    if (this.#closed) return;
    const key = keyOf({ queue, kind });
    if (!this.#spots.has(key)) {
      const nothingYet = { firstDue: Number.NEGATIVE_INFINITY, lastJoined: Number.POSITIVE_INFINITY };
      this.#spots.set(key, { queue, kind, ...nothingYet });
    }
    this.#options.onArm();
  }

  /** What lies where something was armed. Changes nothing, since the transaction may still come to nothing. */
  look(store: SqliteStore): Sight[] {
    return [...this.#spots.values()].map((spot) => ({ spot, ...seen(store, spot) }));
  }

  /** The looks have succeeded: wakes for those spots where what they saw is a reason to. */
  tell(sights: readonly Sight[]): void {
    for (const { spot, isPending, firstDue, lastJoined } of sights) {
      const key = keyOf(spot);
      // It was woken meanwhile, and perhaps armed again.
      if (this.#spots.get(key) !== spot) continue;
      const isReason = isPending || firstDue < spot.firstDue || lastJoined > spot.lastJoined;
      spot.firstDue = firstDue;
      spot.lastJoined = lastJoined;
      if (isReason) this.#wake([key]);
    }
  }

  /** Nobody can look: whoever waits finds out by himself. */
  wakeAll(): void {
    this.#wake(this.#spots.keys());
  }

  /** Wakes for what does not show in a single look. */
  wakeUnseen(): void {
    this.#wake([...this.#spots].filter(([, { kind }]) => kind !== "pending").map(([key]) => key));
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#spots.clear();
    this.#options.onClose();
  }

  #wake(keys: Iterable<string>): void {
    for (const key of [...keys]) {
      const spot = this.#spots.get(key);
      if (spot === undefined) continue;
      this.#spots.delete(key);
      this.#options.wake(spot.queue, spot.kind);
    }
  }
}

function keyOf({ queue, kind }: Pick<Spot, "queue" | "kind">): string {
  return `${kind}:${queue}`;
}

function seen(store: SqliteStore, { queue: name, kind }: Spot): Omit<Sight, "spot"> {
  const queue = store.queue(name);
  return {
    isPending: kind === "pending" && !queue.paused && queue.has("pending"),
    firstDue: (kind === "delayed" ? nextDue(queue)?.score : undefined) ?? Number.POSITIVE_INFINITY,
    lastJoined: (kind === "groups" ? queue.lastJoined() : undefined) ?? Number.NEGATIVE_INFINITY,
  };
}
