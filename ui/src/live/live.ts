import { useEffect, useSyncExternalStore } from "react";
import { isApiError } from "../api/api-error.ts";
import { call, send } from "../api/call.ts";
import { routePath } from "../api/route-path.ts";
import { type LiveState, type LiveStatus, LiveStore } from "./live-store.ts";

export const live = new LiveStore({
  async stream(topics, lastEventId, signal) {
    const response = await send(routePath("GET /api/live", {}, { topics }), {
      headers: {
        accept: "text/event-stream",
        ...(lastEventId !== null && { "last-event-id": lastEventId }),
      },
      cache: "no-store",
      signal,
    });
    return textOf(response);
  },
  poll: (topics, signal) => call("GET /api/snapshot", { query: { topics }, signal }),
  isRefusal: (error) => isApiError(error) && (error.status === 401 || error.status === 403),
  now: () => Date.now(),
  chance: () => Math.random(),
  timer(ms, run) {
    const id = setTimeout(run, ms);
    return () => clearTimeout(id);
  },
});

async function* textOf({ body }: Response): AsyncIterable<string> {
  if (body === null) return;
  const reader = body.getReader();
  const decoder = new TextDecoder();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield decoder.decode(value, { stream: true });
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

live.want("overview");
live.want("operations");
live.hide(document.hidden);
document.addEventListener("visibilitychange", () => live.hide(document.hidden));
window.addEventListener("online", () => live.retryNow());

const subscribe = (listener: () => void) => live.subscribe(listener);

/**
 * A part of the live state; the component is drawn again only when that part is another one. Select what is kept, and
 * compute from it outside.
 *
 * @example const row = useLive(({ data }) => data?.overview?.queues.get(queue));
 */
export function useLive<T>(select: (state: LiveState) => T): T {
  return useSyncExternalStore(subscribe, () => select(live.state));
}

/** Asks for a topic (`servers`, `queue:low`) as long as the component is shown. */
export function useTopic(topic: string): void {
  useEffect(() => live.want(topic), [topic]);
}

/** The engine's clock, once a second. For what shows ages. */
export function useNow(): number {
  return useSyncExternalStore(subscribeToSeconds, () => second);
}

/** The engine's clock, now. Not for drawing. */
export function engineNow(): number {
  return Date.now() + live.state.offset;
}

let second = Date.now();
const clocks = new Set<() => void>();
let ticking: ReturnType<typeof setInterval> | undefined;

function tick(): void {
  const now = engineNow();
  // Steps of some milliseconds, as the offset is found, would make ages flicker.
  if (Math.abs(now - second) < 400) return;
  second = now;
  for (const clock of clocks) clock();
}

live.subscribe(() => {
  if (Math.abs(engineNow() - second) > 2_000) tick();
});

function subscribeToSeconds(listener: () => void): () => void {
  clocks.add(listener);
  ticking ??= setInterval(tick, 1_000);
  return () => {
    clocks.delete(listener);
    if (clocks.size > 0) return;
    clearInterval(ticking);
    ticking = undefined;
  };
}

/** What is shown is from before, and cannot be acted upon: the engine is away, or the monitor itself. */
export function useEngineAway(): boolean {
  const now = useNow();
  const brokenSince = useLive((state) => state.brokenSince);
  const offset = useLive((state) => state.offset);
  const isDown = useLive(({ data }) => data?.engine.status === "down");
  return isDown || (brokenSince !== null && now - offset - brokenSince > BLINK);
}

/** A stream that breaks off and is back within this, in milliseconds, is no news. */
const BLINK = 4_000;

const STANDING: ReadonlySet<LiveStatus> = new Set(["paused", "hidden", "refused"]);

/**
 * Milliseconds between two looks of a query that follows the engine; `false`: live updates are paused, or the user is
 * refused. Then each look would count as one more wrong login, of all who share an address.
 */
export function useRefresh(ms: number): number | false {
  const stands = useLive(({ status }) => STANDING.has(status));
  return stands ? false : ms;
}
