import type { Runtime } from "../runtime/runtime.ts";
import { FakeClock } from "./fake-clock.ts";

export interface FakeRuntimeOptions {
  /** Where the wall clock starts, in milliseconds since the Unix epoch. @defaultValue the first of January 2024 */
  readonly now?: number | undefined;
  /** The same seed gives the same chance and the same ids. @defaultValue 1 */
  readonly seed?: number | undefined;
}

/**
 * A runtime in which nothing happens by itself and chance repeats. Two of the same seed make the same ids: give each
 * its own where they share a store.
 */
export function fakeRuntime(options: FakeRuntimeOptions = {}): Runtime & { readonly clock: FakeClock } {
  const random = seededRandom(options.seed ?? 1);
  const hex = (digits: number) => {
    let text = "";
    for (let i = 0; i < digits; i += 1) text += Math.floor(random() * 16).toString(16);
    return text;
  };
  return {
    clock: new FakeClock(options.now),
    random,
    uuid: () => `${hex(8)}-${hex(4)}-4${hex(3)}-${"89ab"[Math.floor(random() * 4)]}${hex(3)}-${hex(12)}`,
  };
}

/** Mulberry32: small, fast, and good enough for tests. */
function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
