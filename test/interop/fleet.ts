import { randomUUID } from "node:crypto";
import { script } from "./go-only.ts";
import { eventually } from "./news.ts";
import type { PeerTask, Step } from "./peer.ts";
import { goSide, nodeSide, type Side } from "./sides.ts";

/** Go and Node.js on a queue that nobody else knows: one enqueues, the other serves. */
export interface Fleet {
  readonly queue: string;
  readonly producer: Side;
  readonly server: Side;
  readonly node: ReturnType<typeof nodeSide>;
  /** Enqueues the task `one`. */
  add(steps: readonly Step[], options?: PeerTask["options"], headers?: Record<string, string>): Promise<void>;
  /** Until `one` is in that state, or gone. */
  reaches(state: string): Promise<void>;
  /** Until the server has told of so many attempts, and no more. */
  began(attempts: number): Promise<void>;
  /** What Go's inspector says of `one`. */
  looks(): Promise<{ readonly go: Record<string, unknown> }>;
}

/** For one test. */
export async function fleet(url: string, producing: "Go" | "Node"): Promise<Fleet> {
  const queue = `q-${randomUUID()}`;
  const node = nodeSide(url);
  const go = await goSide(url);
  const [producer, server] = producing === "Go" ? [go, node] : [node, go];
  const stateNow = async () => {
    if (!(await node.inspector.queues()).includes(queue)) return "none";
    const { tasks } = await node.inspector.search("id:one", { queues: [queue] });
    return tasks[0]?.state ?? "gone";
  };
  return {
    queue,
    producer,
    server,
    node,
    add: async (steps, options = {}, headers) => {
      await producer.enqueue({
        type: "t",
        payload: script(...steps),
        ...(headers && { headers }),
        options: { queue, taskId: "one", ...options },
      });
    },
    reaches: (state) => eventually(`it is ${state}`, async () => (await stateNow()) === state),
    began: (attempts) => eventually(`${attempts} began`, () => server.attempts.length === attempts),
    looks: async () => ({ go: await go.peer.inspect("GetTaskInfo", queue, "one") }),
  };
}
