import type { QueueWatch, Wake } from "../../broker/broker.ts";
import { ClosedError } from "../../errors.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { News } from "../embedded/embedded-broker.ts";
import type { EngineDoor } from "../embedded/engine-door.ts";
import type { SqliteStore } from "./sqlite-store.ts";
import type { Turns } from "./turns.ts";
import { SqliteWatch } from "./watch.ts";

export interface SqliteNewsOptions {
  readonly turns: Pick<Turns, "read" | "hasNews">;
  readonly door: EngineDoor;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Milliseconds between looks at the file's version, which shows what other processes do. A look takes microseconds, but
 * waking up for it costs a hundred: 40 keeps an idle process below a percent of a core, and news are told within 50.
 */
const POLL = 40;
/** The same after there were news, since more are likely, for as many looks. */
const POLL_SOON = 10;
const SOON = 50;
/** And while the file cannot be read. */
const POLL_IN_TROUBLE = 250;

interface Listener {
  readonly onCancel: (taskId: string) => void;
  /** Number of the last cancelation that it need not hear of. */
  heard: number;
}

/**
 * News of the file. What engines of this process write is told at once, what other processes write shows in the file's
 * version; either way whoever waits for something looks whether it is there.
 */
export class SqliteNews implements News {
  readonly #options: SqliteNewsOptions;
  readonly #watches = new Set<SqliteWatch>();
  readonly #listeners = new Set<Listener>();
  /** A look waits for its turn. */
  #isLookDue = false;
  #isLive = false;
  #isInTrouble = false;
  /** Looks since the last that showed news. */
  #looksWithoutNews = SOON;
  #cancelPoll: (() => void) | undefined;

  constructor(options: SqliteNewsOptions) {
    this.#options = options;
  }

  watch(wake: Wake): QueueWatch {
    const { door } = this.#options;
    door.check();
    const watch = new SqliteWatch({
      wake,
      // In trouble the next poll looks: whoever waits arms again as soon as he was woken, and would be woken at once.
      onArm: () => (this.#isInTrouble ? this.#pollOn() : this.look()),
      isLive: () => this.#isLive,
      onClose: () => {
        forget();
        this.#watches.delete(watch);
      },
    });
    const forget = door.onClose(() => watch.close());
    this.#watches.add(watch);
    return watch;
  }

  async subscribeCancelations(onCancel: (taskId: string) => void): Promise<() => Promise<void>> {
    const { door, turns } = this.#options;
    const listener = { onCancel, heard: 0 };
    const end = () => {
      forget();
      this.#listeners.delete(listener);
    };
    const forget = door.onClose(() => end());
    try {
      await turns.read((store) => {
        listener.heard = store.lastCancelation();
        // Now, not when this is answered: the next one may come in between.
        this.#listeners.add(listener);
      });
    } catch (error) {
      end();
      throw error;
    }
    this.#pollOn();
    return async () => end();
  }

  /** Something may have happened: looks for whatever anybody waits for. */
  look(): void {
    if (this.#isLookDue || !this.#isWanted()) return;
    this.#isLookDue = true;
    this.#pollOn();
    const { turns } = this.#options;
    turns
      .read((store) => this.#found(store))
      .then(
        (tell) => {
          this.#isLive = true;
          if (this.#isInTrouble) this.#endTrouble();
          tell();
        },
        (error: unknown) => this.#cannotLook(error),
      );
  }

  #isWanted(): boolean {
    if (this.#listeners.size > 0) return true;
    for (const watch of this.#watches) if (watch.isArmed) return true;
    return false;
  }

  /** What there is to tell. */
  #found(store: SqliteStore): () => void {
    this.#isLookDue = false;
    const looks = [...this.#watches].map((watch) => ({ watch, sights: watch.look(store) }));
    const tellCancelations = this.#unheard(store);
    return () => {
      for (const { watch, sights } of looks) watch.tell(sights);
      tellCancelations();
    };
  }

  /** Who has heard of what moves on when it is told: the transaction may still come to nothing. */
  #unheard(store: SqliteStore): () => void {
    const listeners = [...this.#listeners];
    if (listeners.length === 0) return () => undefined;
    const last = store.lastCancelation();
    // In a file that took the place of another they begin anew.
    const heardBy = ({ heard }: Listener) => Math.min(heard, last);
    const cancelations = store.cancelationsAfter(Math.min(...listeners.map(heardBy)));
    return () => {
      for (const listener of listeners) {
        // Another look, of the same transaction, may have told it since.
        const heard = heardBy(listener);
        listener.heard = last;
        for (const { number, taskId } of cancelations) {
          if (number > heard && this.#listeners.has(listener)) listener.onCancel(taskId);
        }
      }
    };
  }

  #cannotLook(error: unknown): void {
    this.#isLookDue = false;
    if (error instanceof ClosedError) return;
    if (this.#isLive)
      this.#options.logger.warn({ error }, "no news of the file; trying again until there are");
    this.#isLive = false;
    if (this.#isInTrouble) return;
    // Once: from now on those who wait see that news are not live, and look by themselves.
    this.#isInTrouble = true;
    for (const watch of this.#watches) watch.wakeAll();
  }

  /** Nobody knows what happened before. Pending tasks show when looked for; for all else, let its owner look. */
  #endTrouble(): void {
    this.#isInTrouble = false;
    for (const watch of this.#watches) watch.wakeUnseen();
  }

  // ---- other processes ----------------------------------------------------------------------------------------

  #pollOn(): void {
    if (this.#cancelPoll !== undefined || !this.#isWanted()) return;
    const { clock, door } = this.#options;
    this.#cancelPoll = clock.setTimer(this.#pollInterval(), () => {
      this.#cancelPoll = undefined;
      if (door.closed) {
        this.#isInTrouble = false;
        return;
      }
      this.#looksWithoutNews += 1;
      if (this.#isInTrouble || this.#hasNews()) {
        this.#looksWithoutNews = 0;
        this.look();
      }
      this.#pollOn();
    });
  }

  #pollInterval(): number {
    if (this.#isInTrouble) return POLL_IN_TROUBLE;
    return this.#looksWithoutNews < SOON ? POLL_SOON : POLL;
  }

  #hasNews(): boolean {
    try {
      return this.#options.turns.hasNews();
    } catch {
      // The look meets the same trouble, and tells it.
      return true;
    }
  }
}
