import { expect, it, onTestFinished } from "vitest";
import type { Snapshot } from "../../ui/src/api/types.ts";
import { type LiveState, LiveStore } from "../../ui/src/live/live-store.ts";
import { engineUp, overview } from "./live-facts.ts";

interface Connection {
  readonly topics: string;
  readonly lastEventId: string | null;
  readonly signal: AbortSignal;
  send(text: string): void;
  end(): void;
  refuse(error: Error): void;
}

/** A stream that the test feeds, and a clock that it turns. */
class Rig {
  now = 5_000;
  readonly connections: Connection[] = [];
  readonly polls: string[] = [];
  #timers = new Map<number, { readonly at: number; readonly run: () => void }>();
  #next = 0;
  readonly store = new LiveStore({
    stream: (topics, lastEventId, signal) => this.#open(topics, lastEventId, signal),
    poll: async (topics) => {
      this.polls.push(topics);
      return snapshot(this.now);
    },
    isRefusal: (error) => error instanceof Error && error.message === "403",
    now: () => this.now,
    chance: () => 1,
    timer: (ms, run) => {
      const id = this.#next++;
      this.#timers.set(id, { at: this.now + ms, run });
      return () => this.#timers.delete(id);
    },
  });

  get connection(): Connection {
    const last = this.connections.at(-1);
    if (last === undefined) throw new Error("nothing was opened");
    return last;
  }

  async advance(ms: number): Promise<void> {
    const end = this.now + ms;
    for (;;) {
      const [next] = [...this.#timers].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at);
      if (next === undefined) break;
      const [id, { at, run }] = next;
      this.#timers.delete(id);
      this.now = at;
      run();
      await settled();
    }
    this.now = end;
    await settled();
  }

  #open(topics: string, lastEventId: string | null, signal: AbortSignal): Promise<AsyncIterable<string>> {
    const waiting: (string | null)[] = [];
    let wake: (() => void) | undefined;
    const push = (piece: string | null) => {
      waiting.push(piece);
      wake?.();
    };
    return new Promise((resolve, reject) => {
      let opened = false;
      const open = () => {
        if (opened) return;
        opened = true;
        resolve(pieces());
      };
      async function* pieces(): AsyncIterable<string> {
        for (;;) {
          if (signal.aborted) throw new Error("aborted");
          const piece = waiting.shift();
          if (piece === null) return;
          if (piece !== undefined) yield piece;
          else
            await new Promise<void>((go) => {
              wake = go;
            });
        }
      }
      signal.addEventListener("abort", () => {
        if (!opened) reject(new Error("aborted"));
        wake?.();
      });
      this.connections.push({
        topics,
        lastEventId,
        signal,
        send: (text) => {
          open();
          if (text !== "") push(text);
        },
        end: () => {
          open();
          push(null);
        },
        refuse: reject,
      });
    });
  }
}

/** All that was promised by now has happened. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

function snapshot(now: number): Snapshot {
  return { now, engine: engineUp, overview: overview() };
}

function event(name: string, id: string, data: unknown): string {
  return `event: ${name}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`;
}

async function connected(): Promise<Rig> {
  const rig = new Rig();
  const leave = rig.store.want("overview");
  onTestFinished(leave);
  await settled();
  rig.connection.send(event("snapshot", "e-1", snapshot(100_000)));
  await settled();
  return rig;
}

const status = (rig: Rig): LiveState["status"] => rig.store.state.status;

it("is live with the first snapshot, and knows the engine's clock from it", async () => {
  const rig = await connected();
  expect(status(rig)).toBe("live");
  expect(rig.store.state.data?.now).toBe(100_000);
  expect(rig.store.state.offset).toBe(95_000);
});

it("goes on where a stream broke off, after a pause that grows", async () => {
  const rig = await connected();
  rig.connection.end();
  await settled();
  expect(status(rig)).toBe("reconnecting");
  expect(rig.store.state.nextTry).toBe(6_000);
  expect(rig.store.state.brokenSince).toBe(5_000);
  await rig.advance(1_000);
  expect(rig.connection.lastEventId).toBe("e-1");
  rig.connection.refuse(new Error("502"));
  await settled();
  expect(rig.store.state.nextTry).toBe(8_000);
  expect(rig.store.state.brokenSince).toBe(5_000);
  await rig.advance(2_000);
  expect(rig.connections).toHaveLength(3);
  rig.connection.send(": connected\n\n");
  await settled();
  expect(status(rig)).toBe("live");
  expect(rig.store.state.brokenSince).toBeNull();
});

it("keeps what it knew while it reconnects", async () => {
  const rig = await connected();
  rig.connection.end();
  await settled();
  expect(rig.store.state.data?.now).toBe(100_000);
});

it("takes silence for a broken stream", async () => {
  const rig = await connected();
  await rig.advance(34_999);
  expect(status(rig)).toBe("live");
  await rig.advance(1);
  expect(status(rig)).toBe("reconnecting");
});

it("polls where a proxy holds the stream back", async () => {
  const rig = new Rig();
  onTestFinished(rig.store.want("overview"));
  await settled();
  rig.connection.send("");
  await rig.advance(10_000);
  expect(status(rig)).toBe("polling");
  expect(rig.polls).toEqual(["overview"]);
  await rig.advance(3_000);
  expect(rig.polls).toHaveLength(2);
  expect(rig.connection.signal.aborted).toBe(true);
});

it("asks for nothing while the tab is hidden or the user has paused", async () => {
  const rig = await connected();
  const { signal } = rig.connection;
  rig.store.pause(true);
  await settled();
  expect(signal.aborted).toBe(true);
  expect(status(rig)).toBe("paused");
  await rig.advance(60_000);
  expect(rig.connections).toHaveLength(1);
  rig.store.hide(true);
  rig.store.pause(false);
  await settled();
  expect(status(rig)).toBe("hidden");
  expect(rig.connections).toHaveLength(1);
  rig.store.hide(false);
  await settled();
  expect(rig.connection.lastEventId).toBe("e-1");
});

it("opens one stream for whatever a page wants, and a new one only when that changes", async () => {
  const rig = await connected();
  const leave = rig.store.want("servers");
  leave();
  await settled();
  expect(rig.connections).toHaveLength(1);
  onTestFinished(rig.store.want("servers"));
  await settled();
  expect(rig.connections.map(({ topics }) => topics)).toEqual(["overview", "overview,servers"]);
  expect(rig.connection.lastEventId).toBeNull();
  expect(rig.connections[0]?.signal.aborted).toBe(true);
});

it("stops where it is refused", async () => {
  const rig = new Rig();
  onTestFinished(rig.store.want("overview"));
  await settled();
  rig.connection.refuse(new Error("403"));
  await settled();
  expect(status(rig)).toBe("refused");
  await rig.advance(120_000);
  expect(rig.connections).toHaveLength(1);
});

it("does not let a late delta turn the engine's clock back", async () => {
  const rig = await connected();
  rig.now += 1_500;
  rig.connection.send(event("delta", "e-2", { now: 101_000 }));
  await settled();
  expect(rig.store.state.offset).toBe(95_000);
  rig.connection.send(event("delta", "e-3", { now: 41_000 }));
  await settled();
  expect(rig.store.state.offset).toBe(34_500);
});
