import type { Clock } from "../runtime/clock.ts";

/** Wrong logins of one client within one window, before it has to wait for the next. */
const MOST = 10;
/** Milliseconds. */
const WINDOW = 60_000;
/** Clients that are remembered; beyond, the ones whose window began first are forgotten. */
const CLIENTS = 10_000;

interface Window {
  readonly end: number;
  failures: number;
}

/** Counts wrong logins by client, so that nobody can try passwords at leisure. */
export class LoginLimit {
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #windows = new Map<string, Window>();

  constructor(clock: Pick<Clock, "monotonic">) {
    this.#clock = clock;
  }

  /** Milliseconds until the client may try again; 0: now. */
  wait(client: string): number {
    const window = this.#current(client);
    return window === undefined || window.failures < MOST ? 0 : window.end - this.#clock.monotonic();
  }

  failed(client: string): void {
    const window = this.#current(client);
    if (window !== undefined) window.failures += 1;
    else this.#windows.set(client, { end: this.#clock.monotonic() + WINDOW, failures: 1 });
    const [first] = this.#windows.keys();
    if (this.#windows.size > CLIENTS && first !== undefined) this.#windows.delete(first);
  }

  #current(client: string): Window | undefined {
    const window = this.#windows.get(client);
    if (window === undefined || window.end > this.#clock.monotonic()) return window;
    this.#windows.delete(client);
    return undefined;
  }
}
