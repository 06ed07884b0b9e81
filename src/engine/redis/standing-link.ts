import { RedisPermissionError, TitanQueueError } from "../../errors.ts";
import { type Clock, sleep } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { UnderWay } from "../../runtime/under-way.ts";
import { backOff } from "./back-off.ts";
import { type Dialed, dial, type Endpoint } from "./endpoint.ts";
import type { Link } from "./link.ts";
import { unreachable } from "./redis-errors.ts";

export interface LinkOptions {
  /** Sockets live in real time, so this is the system's clock, also where a test turns the engine's. */
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  /** Milliseconds: for a connection to be made, and how long a silent one is borne. */
  readonly timeout: number;
  readonly underWay: UnderWay;
}

export interface StandingLinkUse {
  /** Where to connect; asked anew for each attempt. */
  readonly endpoint: () => Endpoint;
  /** What it is for, in texts: `"the connection to Redis"`. */
  readonly what: string;
  /** Makes a new link fit for its use, before anybody gets it. When it rejects, the attempt has failed. */
  readonly prepare?: (link: Link) => Promise<void>;
  /** Whether anybody still needs a link. Once one was made, it is made again in any case. */
  readonly isWanted?: () => boolean;
  readonly onUp?: (dialed: Dialed) => void;
  readonly onDown?: () => void;
  readonly onFailure?: (error: Error) => void;
}

/** A link that lived shorter than this was no success. */
const SETTLED = 5_000;
/** A permission that is missing will not be there in a second; each attempt leaves a line in Redis's ACL log. */
const REFUSED_PATIENCE = 30_000;

/** A link that is made again whenever it breaks, until it is closed. */
export class StandingLink {
  readonly #use: StandingLinkUse;
  readonly #options: LinkOptions;
  readonly #closing = new AbortController();
  #link: Link | undefined;
  #where = "";
  #stood = false;
  #dialing = false;
  #failure: Error | undefined;
  /** In a row, links that soon broke among them. */
  #failures = 0;
  #attempts: ((error: Error | undefined) => void)[] = [];
  #closed: Error | undefined;

  constructor(use: StandingLinkUse, options: LinkOptions) {
    this.#use = use;
    this.#options = options;
  }

  get link(): Link | undefined {
    return this.#link;
  }

  get closed(): boolean {
    return this.#closed !== undefined;
  }

  /** Why there is no link. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Begins to connect, unless it does already or has. */
  connect(): void {
    if (this.#dialing || !this.#isNeeded()) return;
    this.#dialing = true;
    void this.#dial().finally(() => {
      this.#dialing = false;
      // Someone may have come at the very end of a loop that had nobody left to dial for.
      this.connect();
    });
  }

  /** Resolves when there is a link, or with the error of the next attempt if that fails. */
  async attempt(): Promise<Error | undefined> {
    if (this.#link !== undefined || this.#closed !== undefined) return this.#closed;
    const { underWay } = this.#options;
    underWay.begin();
    const error = await new Promise<Error | undefined>((resolve) => {
      this.#attempts.push(resolve);
      this.connect();
    });
    underWay.end();
    return error;
  }

  /** Lets what is under way on the link end, and makes another one. */
  replace(link: Link, why: string): void {
    if (this.#link !== link) return;
    link.retire(this.#options.timeout);
    this.#lose(link, why);
  }

  /** `error` is what attempts under way, and later ones, come to. */
  close(error: Error): void {
    this.#closed ??= error;
    this.#closing.abort();
    this.#attempted(error);
    this.#link?.destroy();
  }

  #isNeeded(): boolean {
    if (this.closed || this.#link !== undefined) return false;
    return this.#stood || this.#attempts.length > 0 || this.#use.isWanted?.() === true;
  }

  async #dial(): Promise<void> {
    while (this.#isNeeded()) {
      await this.#rest();
      if (!this.#isNeeded()) return;
      let dialed: Dialed;
      try {
        dialed = await this.#make();
      } catch (error) {
        this.#failed(error as Error);
        continue;
      }
      this.#adopt(dialed);
      return;
    }
  }

  async #rest(): Promise<void> {
    const { clock, random } = this.#options;
    if (this.#failures === 0) return;
    const refused = this.#failure instanceof RedisPermissionError;
    await sleep(clock, refused ? REFUSED_PATIENCE : backOff(this.#failures, random), this.#closing.signal);
  }

  async #make(): Promise<Dialed> {
    const endpoint = this.#use.endpoint();
    this.#where = endpoint.where;
    const dialed = await dial(endpoint, this.#options);
    try {
      await this.#use.prepare?.(dialed.link);
      return dialed;
    } catch (error) {
      dialed.link.destroy();
      throw error instanceof TitanQueueError ? error : unreachable(this.#where, error);
    }
  }

  #adopt(dialed: Dialed): void {
    const { link } = dialed;
    const { clock, logger } = this.#options;
    if (this.closed) {
      link.destroy();
      return;
    }
    if (this.#failure !== undefined) logger.info({ redis: this.#where }, `${this.#use.what} stands again`);
    this.#link = link;
    this.#stood = true;
    this.#failure = undefined;
    const since = clock.monotonic();
    link.onClose(() => {
      if (clock.monotonic() - since >= SETTLED) this.#failures = 0;
      this.#lose(link, `${this.#use.what} broke; connecting anew`);
    });
    if (!link.usable) {
      // It broke while it was being prepared.
      this.#lose(link, `${this.#use.what} broke; connecting anew`);
      return;
    }
    this.#attempted(undefined);
    this.#use.onUp?.(dialed);
  }

  #lose(link: Link, why: string): void {
    if (this.#link !== link) return;
    this.#link = undefined;
    this.#failures += 1;
    this.#use.onDown?.();
    if (this.closed) return;
    this.#failure = new Error(`${this.#use.what} (${this.#where}) broke`);
    this.#options.logger.warn({ redis: this.#where }, why);
    this.connect();
  }

  #failed(error: Error): void {
    this.#failures += 1;
    // The same news every second or two would only fill the log, and whoever awaits the attempt is told.
    if (this.#attempts.length === 0 && error.message !== this.#failure?.message) {
      this.#options.logger.warn({ redis: this.#where, error }, `${this.#use.what} cannot be made; trying on`);
    }
    this.#failure = error;
    this.#attempted(error);
    this.#use.onFailure?.(error);
  }

  #attempted(error: Error | undefined): void {
    const attempts = this.#attempts;
    this.#attempts = [];
    for (const done of attempts) done(error);
  }
}
