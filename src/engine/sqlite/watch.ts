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
    const key = `${kind}:${queue}`;
    if (!this.#spots.has(key)) {
      const nothingYet = { firstDue: Number.NEGATIVE_INFINITY, lastJoined: Number.POSITIVE_INFINITY };
      this.#spots.set(key, { queue, kind, ...nothingYet });
    }
    this.#options.onArm();
  }

  /** The spots that there is reason to wake for. */
  look(store: SqliteStore): string[] {
    const reasons: string[] = [];
    for (const [key, spot] of this.#spots) if (hasReason(store, spot)) reasons.push(key);
    return reasons;
  }

  wake(keys: Iterable<string>): void {
    for (const key of [...keys]) {
      const spot = this.#spots.get(key);
      if (spot === undefined) continue;
      this.#spots.delete(key);
      this.#options.wake(spot.queue, spot.kind);
    }
  }

  /** Nobody can look: whoever waits finds out by himself. */
  wakeAll(): void {
    this.wake(this.#spots.keys());
  }

  /** Wakes for what does not show in a single look. */
  wakeUnseen(): void {
    this.wake([...this.#spots].filter(([, { kind }]) => kind !== "pending").map(([key]) => key));
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#spots.clear();
    this.#options.onClose();
  }
}

function hasReason(store: SqliteStore, spot: Spot): boolean {
  const queue = store.queue(spot.queue);
  if (spot.kind === "pending") return !queue.paused && queue.has("pending");
  if (spot.kind === "groups") {
    const joined = queue.lastJoined() ?? Number.NEGATIVE_INFINITY;
    const isLater = joined > spot.lastJoined;
    spot.lastJoined = joined;
    return isLater;
  }
  const due = nextDue(queue)?.score ?? Number.POSITIVE_INFINITY;
  if (due < spot.firstDue) return true;
  spot.firstDue = due;
  return false;
}
