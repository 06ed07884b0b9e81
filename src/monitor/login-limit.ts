import { isIPv6 } from "node:net";
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
    const window = this.#current(networkOf(client));
    return window === undefined || window.failures < MOST ? 0 : window.end - this.#clock.monotonic();
  }

  /** A login that is about to be looked at. It counts at once: many at the same time are as many as one after another. */
  begin(client: string): void {
    const network = networkOf(client);
    const window = this.#current(network);
    if (window !== undefined) window.failures += 1;
    else this.#windows.set(network, { end: this.#clock.monotonic() + WINDOW, failures: 1 });
    const [first] = this.#windows.keys();
    if (this.#windows.size > CLIENTS && first !== undefined) this.#windows.delete(first);
  }

  /** It was right after all. */
  succeeded(client: string): void {
    const window = this.#current(networkOf(client));
    if (window !== undefined && window.failures > 0) window.failures -= 1;
  }

  #current(network: string): Window | undefined {
    const window = this.#windows.get(network);
    if (window === undefined || window.end > this.#clock.monotonic()) return window;
    this.#windows.delete(network);
    return undefined;
  }
}

/** Whoever has one address of IPv6 has 2^64 of them. */
function networkOf(client: string): string {
  const address = client.toLowerCase();
  if (!isIPv6(address) || address.startsWith("::ffff:")) return address;
  const [before = "", after] = address.split("::");
  const groups = before === "" ? [] : before.split(":");
  const later = after === undefined || after === "" ? [] : after.split(":");
  const zeros =
    after === undefined ? [] : new Array<string>(Math.max(0, 8 - groups.length - later.length)).fill("0");
  const first = [...groups, ...zeros, ...later].slice(0, 4);
  return first.map((group) => group.replace(/^0+(?=.)/, "")).join(":");
}
