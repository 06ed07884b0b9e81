import { afterAll } from "vitest";
import { eventually } from "./news.ts";
import { Peer, type PeerServer, type Step } from "./peer.ts";

/** A server of Go's that looks often. */
export const GO_SERVER: Omit<PeerServer, "name"> = {
  concurrency: 2,
  retryDelay: "1h",
  taskCheckInterval: "20ms",
  delayedTaskCheckInterval: "50ms",
  shutdownTimeout: "1s",
};

/** The payload that makes a handler of the peer do these, one an attempt. */
export function script(...steps: readonly Step[]): string {
  return JSON.stringify({ script: steps });
}

/**
 * Fills a Redis with all that there can be, by means of Go's alone, and goes on serving it until the file has ended:
 * queue `work` with tasks in every state and two busy workers, queue `held`, which is paused, and `ticks`, which is empty.
 */
export async function fillByGo(url: string): Promise<Peer> {
  const go = await Peer.start(url);
  afterAll(() => go.close());
  await go.serve({ ...GO_SERVER, name: "s", queues: { work: 3, held: 1, ticks: 1 }, strictPriority: true });
  const add = (taskId: string, payload: string, options: object = {}, headers?: Record<string, string>) =>
    go.enqueue({
      type: "t",
      payload,
      ...(headers && { headers }),
      options: { queue: "work", taskId, ...options },
    });
  await add("done", script({ result: '{"sum":3}' }), { retention: "1h" }, { tenant: "acme" });
  await add("again", script({ error: "no luck" }, {}), { maxRetry: 3, unique: "2h" });
  await add("dead", script({ error: "never again", skip: true }));
  await eventually("they have ended", async () => {
    const states = ["Completed", "Retry", "Archived"].map((state) =>
      go.inspect<object[]>(`List${state}Tasks`, "work"),
    );
    return (await Promise.all(states)).every((tasks) => tasks.length === 1);
  });
  await add("later", "{}", { processIn: "1h", deadline: "2040-01-02T03:04:05Z" });
  await add("busy-1", script({ wait: true }), { timeout: "1h" });
  await add("busy-2", script({ wait: true }));
  await go.event("started", ({ task }) => task === "busy-1");
  await go.event("started", ({ task }) => task === "busy-2");
  await add("next-1", "{}");
  await add("next-2", "{}");
  await add("a-1", "{}", { group: "a" });
  await add("a-2", "{}", { group: "a", unique: "1h" });
  await go.inspect("PauseQueue", "held");
  await add("held-1", "{}", { queue: "held" });
  return go;
}

/** Two entries of Go's, which enqueue for `ticks`: one that is due every second, and one that has never been due. */
export async function scheduleByGo(go: Peer): Promise<{ readonly every: string; readonly rare: string }> {
  const [every = "", rare = ""] = await go.schedule("schedule", [
    {
      spec: "@every 1s",
      task: { type: "tick", payload: '{"of":"clock"}', options: { queue: "ticks", maxRetry: 2 } },
    },
    { spec: "0 0 1 1 *", task: { type: "greet", options: { queue: "ticks", timeout: "90s" } } },
  ]);
  return { every, rare };
}
