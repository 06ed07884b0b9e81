import type { Delta, Snapshot } from "../api/types.ts";
import { backoff } from "./backoff.ts";
import { applyDelta, fromSnapshot, type LiveData } from "./live-data.ts";
import { SseParser } from "./sse-parser.ts";

/** Milliseconds without a byte after which a stream counts as broken; the monitor comments every 15 s. */
const SILENCE = 35_000;
/** A stream that was opened and says nothing so long is held back by a proxy: then its data is polled. */
const HELD_BACK = 10_000;
const POLL = 3_000;
/** Polls before a stream is tried again. */
const POLLS = 40;

export type LiveStatus =
  /** The first data has not come yet. */
  | "connecting"
  | "live"
  /** The same data, asked for again and again: no stream gets through. */
  | "polling"
  /** By the user. */
  | "paused"
  /** The tab is not seen: nothing is asked for. */
  | "hidden"
  /** Broken off; tried again at `nextTry`. */
  | "reconnecting"
  /** Who is logged in may not see this. */
  | "refused";

export interface LiveState {
  readonly status: LiveStatus;
  /** By this browser's clock. */
  readonly nextTry: number | null;
  /** Since when nothing came, by this browser's clock; `null`: it comes. */
  readonly brokenSince: number | null;
  readonly data: LiveData | null;
  /** Milliseconds to add to this browser's clock to have the engine's. */
  readonly offset: number;
}

export interface LiveDoors {
  /** Opens the stream. Rejects: it was refused, or nobody answers. */
  stream(topics: string, lastEventId: string | null, signal: AbortSignal): Promise<AsyncIterable<string>>;
  poll(topics: string, signal: AbortSignal): Promise<Snapshot>;
  /** Whether to stop asking: it will not be granted next time either. */
  isRefusal(error: unknown): boolean;
  now(): number;
  chance(): number;
  /** Returns what cancels it. */
  timer(ms: number, run: () => void): () => void;
}

/** Keeps one connection for whatever the page wants to know, and all that came through it. */
export class LiveStore {
  readonly #doors: LiveDoors;
  readonly #listeners = new Set<() => void>();
  readonly #wanted = new Map<string, number>();
  #state: LiveState = { status: "connecting", nextTry: null, brokenSince: null, data: null, offset: 0 };
  #lastEventId: string | null = null;
  /** Of the stream that `lastEventId` belongs to. */
  #lastTopics = "";
  #paused = false;
  #hidden = false;
  #run: AbortController | undefined;
  #runTopics = "";
  #restartSoon = false;
  #wake: (() => void) | undefined;

  constructor(doors: LiveDoors) {
    this.#doors = doors;
  }

  get state(): LiveState {
    return this.#state;
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Asks for a topic, until the returned function is called. */
  want(topic: string): () => void {
    this.#wanted.set(topic, (this.#wanted.get(topic) ?? 0) + 1);
    this.#settleSoon();
    return () => {
      const left = (this.#wanted.get(topic) ?? 1) - 1;
      if (left === 0) this.#wanted.delete(topic);
      else this.#wanted.set(topic, left);
      this.#settleSoon();
    };
  }

  get paused(): boolean {
    return this.#paused;
  }

  pause(paused: boolean): void {
    this.#paused = paused;
    this.#settle();
  }

  hide(hidden: boolean): void {
    this.#hidden = hidden;
    this.#settle();
  }

  /** Does not wait for the next try. */
  retryNow(): void {
    this.#wake?.();
  }

  /** One page leaves and another comes in the same turn: that is one change. */
  #settleSoon(): void {
    if (this.#restartSoon) return;
    this.#restartSoon = true;
    queueMicrotask(() => {
      this.#restartSoon = false;
      this.#settle();
    });
  }

  #settle(): void {
    const topics = [...this.#wanted.keys()].sort().join(",");
    if (this.#paused || this.#hidden || topics === "") {
      this.#run?.abort();
      this.#run = undefined;
      if (topics !== "") this.#set({ status: this.#paused ? "paused" : "hidden", nextTry: null });
      return;
    }
    if (this.#run !== undefined && this.#runTopics === topics) return;
    this.#run?.abort();
    this.#run = new AbortController();
    this.#runTopics = topics;
    void this.#keepConnected(topics, this.#run.signal);
  }

  async #keepConnected(topics: string, signal: AbortSignal): Promise<void> {
    if (this.#state.data === null) this.#set({ status: "connecting", nextTry: null });
    let failures = 0;
    const arrived = () => {
      failures = 0;
    };
    while (!signal.aborted) {
      try {
        const heldBack = await this.#read(topics, signal, arrived);
        if (heldBack) await this.#poll(topics, signal, arrived);
        if (signal.aborted) return;
        failures += 1;
      } catch (error) {
        if (signal.aborted) return;
        if (this.#doors.isRefusal(error)) {
          this.#set({ status: "refused", nextTry: null });
          return;
        }
        failures += 1;
      }
      const pause = backoff(failures, this.#doors.chance());
      const now = this.#doors.now();
      this.#set({
        status: "reconnecting",
        nextTry: now + pause,
        brokenSince: this.#state.brokenSince ?? now,
      });
      await this.#wait(pause, signal);
    }
  }

  /** Resolves when the stream has ended. `true`: it was open, and nothing got through. */
  async #read(topics: string, outer: AbortSignal, arrived: () => void): Promise<boolean> {
    const own = new AbortController();
    const stop = () => own.abort();
    outer.addEventListener("abort", stop);
    let opened = false;
    let told = false;
    let cancelWatch = this.#doors.timer(HELD_BACK, stop);
    try {
      const lastEventId = this.#lastTopics === topics ? this.#lastEventId : null;
      const pieces = await this.#doors.stream(topics, lastEventId, own.signal);
      opened = true;
      const parser = new SseParser();
      for await (const piece of pieces) {
        cancelWatch();
        if (outer.aborted) return false;
        cancelWatch = this.#doors.timer(SILENCE, stop);
        if (!told) {
          told = true;
          // Whoever resumes may have missed nothing, and is told nothing.
          if (lastEventId !== null && this.#state.data !== null) this.#set(CONNECTED);
        }
        for (const { event, data, id } of parser.push(piece)) {
          if (event === "snapshot") this.#snapshot(JSON.parse(data) as Snapshot);
          else if (event === "delta") this.#delta(JSON.parse(data) as Delta);
          if (id !== null) this.#lastEventId = id;
          this.#lastTopics = topics;
          arrived();
        }
      }
      return false;
    } catch (error) {
      if (outer.aborted) return false;
      if (own.signal.aborted) return opened && !told;
      throw error;
    } finally {
      cancelWatch();
      outer.removeEventListener("abort", stop);
    }
  }

  async #poll(topics: string, signal: AbortSignal, arrived: () => void): Promise<void> {
    for (let polls = 0; polls < POLLS && !signal.aborted; polls++) {
      this.#snapshot(await this.#doors.poll(topics, signal), "polling");
      arrived();
      await this.#wait(POLL, signal);
    }
  }

  #snapshot(snapshot: Snapshot, status: LiveStatus = "live"): void {
    const data = fromSnapshot(snapshot, this.#state.data);
    this.#set({ ...CONNECTED, status, data, offset: this.#offset(snapshot.now, undefined) });
  }

  #delta(delta: Delta): void {
    if (this.#state.data === null) return;
    const data = applyDelta(this.#state.data, delta);
    this.#set({ ...CONNECTED, data, offset: this.#offset(delta.now, this.#state.offset) });
  }

  /** What comes may be late, never early: the largest difference seen is the truest. A step of either clock counts anew. */
  #offset(engineNow: number, before: number | undefined): number {
    const offset = engineNow - this.#doors.now();
    return before === undefined || Math.abs(offset - before) > 5_000 ? offset : Math.max(offset, before);
  }

  #wait(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        cancel();
        signal.removeEventListener("abort", end);
        this.#wake = undefined;
        resolve();
      };
      const cancel = this.#doors.timer(ms, end);
      signal.addEventListener("abort", end);
      this.#wake = end;
    });
  }

  #set(change: Partial<LiveState>): void {
    this.#state = { ...this.#state, ...change };
    for (const listener of this.#listeners) listener();
  }
}

const CONNECTED = { status: "live", nextTry: null, brokenSince: null } as const;
