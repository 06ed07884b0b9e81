import type { QueueWatch, Wake, WatchKind } from "../../broker/broker.ts";
import { ClosedError } from "../../errors.ts";
import { queueKeys } from "../../protocol/keys.ts";
import { encodeCommand } from "./encode-command.ts";
import { dial, type Endpoint } from "./endpoint.ts";
import type { Link } from "./link.ts";
import type { RedisReply } from "./redis-commands.ts";
import { replyError } from "./redis-errors.ts";
import { type LinkOptions, StandingLink } from "./standing-link.ts";

/** Where Redis says which tracked keys changed. */
const INVALIDATIONS = "__redis__:invalidate";
/** Milliseconds between two wake-ups for delayed tasks, or groups, of one queue. */
const DELAYED_PACE = 250;
/** Milliseconds, on average, between looks at armed queues, should a push ever get lost. */
const SAFETY_POLL = 2_000;

/** One queue and kind that someone waits for. */
interface Spot {
  readonly queue: string;
  readonly kind: WatchKind;
  armed: boolean;
  /** The queue was paused when we last looked, so that its pending tasks are no reason to wake anybody. */
  paused: boolean;
  wokenAt: number;
  /** Ends the rest before a wake-up that is already certain. */
  cancelWake: (() => void) | undefined;
}

/**
 * Watches queues by CLIENT TRACKING, which notices what anybody does to a key, inside scripts too.
 *
 * Redis remembers which keys the tracked connection has read, tells the listening connection once when one of them
 * changes, and forgets it. So arming is a read, and looking is the same read: nothing can happen between the two. The
 * tracked connection runs nothing but EXISTS; whatever else it read would be tracked as well. Pushes come on a
 * connection of their own, since the driver drops those of protocol 3, and may arrive before the reply to the read
 * that asked for them: a spot counts as armed from before the read.
 */
export class TrackingWatch implements QueueWatch {
  readonly #wake: Wake;
  readonly #options: LinkOptions;
  readonly #endpoint: () => Endpoint;
  readonly #spots = new Map<string, Spot>();
  /** By key, whom its change concerns. */
  readonly #byKey = new Map<string, Spot>();
  readonly #listening: StandingLink;
  #tracked: Link | undefined;
  #unread = new Set<Spot>();
  #cancelPoll: (() => void) | undefined;

  constructor(endpoint: () => Endpoint, wake: Wake, options: LinkOptions) {
    this.#wake = wake;
    this.#options = options;
    this.#endpoint = endpoint;
    this.#listening = new StandingLink(
      {
        endpoint,
        what: "the watch on queues",
        prepare: (link) => this.#prepare(link),
        isWanted: () => this.#spots.size > 0,
        onUp: () => this.#up(),
        onDown: () => this.#wakeAll(),
      },
      options,
    );
  }

  get live(): boolean {
    return this.#listening.link !== undefined;
  }

  arm(queue: string, kind: WatchKind): void {
    const spot = this.#spot(queue, kind);
    if (spot.armed) return;
    spot.armed = true;
    if (!this.live) {
      // Read when the connection stands.
      this.#listening.connect();
      return;
    }
    if (this.#unread.size === 0) queueMicrotask(() => this.#read());
    this.#unread.add(spot);
  }

  async close(): Promise<void> {
    this.#cancelPoll?.();
    for (const spot of this.#spots.values()) {
      spot.armed = false;
      spot.cancelWake?.();
    }
    this.#listening.close(new ClosedError("the watch on queues"));
  }

  // ---- the two connections ------------------------------------------------------------------------------------

  /** In this order: a connection that has subscribed refuses to tell its id. The two stand and fall together. */
  async #prepare(listener: Link): Promise<void> {
    const { timeout } = this.#options;
    const id = await listener.ask("CLIENT", ["ID"], timeout);
    if (id instanceof Error) throw replyError(id);
    listener.onMessage((_channel, keys) => this.#changed(keys));
    const subscribed = await listener.subscribe(INVALIDATIONS, timeout);
    if (subscribed instanceof Error) throw replyError(subscribed);

    const { link: tracked } = await dial(this.#endpoint(), this.#options);
    tracked.onClose(() => listener.destroy());
    listener.onClose(() => tracked.destroy());
    const tracking = await tracked.ask("CLIENT", ["TRACKING", "ON", "REDIRECT", Number(id)], timeout);
    if (tracking instanceof Error) {
      tracked.destroy();
      throw replyError(tracking);
    }
    this.#tracked = tracked;
  }

  /** Nobody knows what happened before. Pending tasks show when looked for; for all else, let its owner look. */
  #up(): void {
    for (const spot of this.#spots.values()) {
      if (!spot.armed) continue;
      this.#unread.add(spot);
      if (spot.kind !== "pending") this.#reason(spot);
    }
    this.#read();
  }

  // ---- reading, which arms ------------------------------------------------------------------------------------

  #read(): void {
    const spots = [...this.#unread].filter((spot) => spot.armed);
    this.#unread.clear();
    if (spots.length === 0) return;
    const commands = spots.flatMap(readsOf);
    this.#ask(commands, (replies) => {
      let at = 0;
      for (const spot of spots) {
        const counts = replies.slice(at, at + readsOf(spot).length).map(Number);
        at += counts.length;
        if (spot.kind !== "pending") continue;
        const [pending = 0, paused = 0] = counts;
        spot.paused = paused > 0;
        if (pending > 0 && !spot.paused) this.#reason(spot);
      }
    });
    this.#pollOn();
  }

  #ask(commands: readonly Buffer[], answered: (replies: RedisReply[]) => void): void {
    const { timeout, clock } = this.#options;
    const tracked = this.#tracked;
    // What is lost is read again when the connections stand again.
    const cancel = clock.setTimer(timeout, () => tracked?.destroy());
    const receiver = {
      answered: (replies: RedisReply[]) => {
        cancel();
        answered(replies);
      },
      lost: cancel,
    };
    if (!tracked?.send(commands, receiver)) cancel();
  }

  /** Every two seconds one command for all queues that are waited for, and one for those of them that are paused. */
  #pollOn(): void {
    const { clock, random } = this.#options;
    this.#cancelPoll ??= clock.setTimer(SAFETY_POLL * (0.75 + random() / 2), () => {
      this.#cancelPoll = undefined;
      const waiting = [...this.#spots.values()].filter(({ armed, kind }) => armed && kind === "pending");
      if (waiting.length === 0 || !this.live) return;
      this.#poll(waiting.filter(({ paused }) => !paused));
      this.#poll(waiting.filter(({ paused }) => paused));
      this.#pollOn();
    });
  }

  #poll(spots: readonly Spot[]): void {
    if (spots.length === 0) return;
    const keys = spots.map(({ queue, paused }) =>
      paused ? queueKeys(queue).paused : queueKeys(queue).pending,
    );
    this.#ask([encodeCommand("EXISTS", keys)], ([count]) => {
      const asExpected = spots[0]?.paused ? spots.length : 0;
      if (count === asExpected) return;
      for (const spot of spots) this.#unread.add(spot);
      this.#read();
    });
  }

  // ---- waking -------------------------------------------------------------------------------------------------

  /** `null`: all keys changed (FLUSHALL). */
  #changed(keys: RedisReply): void {
    if (!Array.isArray(keys)) {
      this.#wakeAll();
      return;
    }
    for (const key of keys) {
      const spot = this.#byKey.get(String(key));
      if (spot !== undefined) this.#reason(spot);
    }
  }

  #wakeAll(): void {
    for (const spot of this.#spots.values()) this.#reason(spot);
  }

  /** There is reason to wake who waits at `spot`: now, or for other than pending tasks when the last time is long enough ago. */
  #reason(spot: Spot): void {
    if (!spot.armed || spot.cancelWake !== undefined) return;
    const { clock } = this.#options;
    const wake = () => {
      spot.cancelWake = undefined;
      spot.armed = false;
      spot.wokenAt = clock.monotonic();
      this.#wake(spot.queue, spot.kind);
    };
    const rest = spot.kind !== "pending" ? spot.wokenAt + DELAYED_PACE - clock.monotonic() : 0;
    if (rest > 0) spot.cancelWake = clock.setTimer(rest, wake);
    else wake();
  }

  #spot(queue: string, kind: WatchKind): Spot {
    const name = `${kind}:${queue}`;
    let spot = this.#spots.get(name);
    if (spot === undefined) {
      const never = Number.NEGATIVE_INFINITY;
      spot = { queue, kind, armed: false, paused: false, wokenAt: never, cancelWake: undefined };
      this.#spots.set(name, spot);
      for (const key of keysOf(spot)) this.#byKey.set(key, spot);
    }
    return spot;
  }
}

/** In a Cluster each node would have to be watched: there is nothing to see, and its owner polls. */
export const blindWatch: QueueWatch = {
  arm: () => undefined,
  live: false,
  close: async () => undefined,
};

function keysOf({ queue, kind }: Spot): string[] {
  const { pending, paused, scheduled, retry, due, groups } = queueKeys(queue);
  return { pending: [pending, paused], delayed: [scheduled, retry, due], groups: [groups] }[kind];
}

/** Whether there are pending tasks, and whether the queue is paused, are two questions; all else is one. */
function readsOf(spot: Spot): Buffer[] {
  const keys = keysOf(spot);
  if (spot.kind !== "pending") return [encodeCommand("EXISTS", keys)];
  return keys.map((key) => encodeCommand("EXISTS", [key]));
}
