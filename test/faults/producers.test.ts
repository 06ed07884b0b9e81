import { describe, expect, it } from "vitest";
import { DuplicateTaskError, PayloadTooLargeError, TaskIdConflictError } from "../../src/errors.ts";
import { Task } from "../../src/task.ts";
import { redisForFile } from "../support/redis-rig.ts";
import { benchForFile, freshQueue } from "./bench.ts";
import { eventually } from "./eventually.ts";

/** G06 and H01 to H03: what producers may do to each other. docs/reliability.md b. */

const redis = await redisForFile();
const bench = benchForFile();

it.each([
  ["0 B", 0],
  ["1 B", 1],
  ["1 MB", 1_000_000],
])("carries a payload of %s (G06)", async (_, size) => {
  const queue = freshQueue();
  const client = bench.client(redis.url);
  const sizes: number[] = [];
  const server = await bench.server(redis.url, (task) => void sizes.push(task.bytes?.length ?? 0), { queue });
  await client.enqueue(new Task("work", new Uint8Array(size)), { queue });
  await server.hasSettled(1);
  expect(sizes).toEqual([size]);
});

it.each([
  ["64 MB", 64_000_000],
  ["600 MB", 600_000_000],
])("refuses a payload of %s before Redis sees any of it (G06)", async (_, size) => {
  const queue = freshQueue();
  const client = bench.client(redis.url);
  await client.ping();
  const admin = redis.client();
  const received = async () =>
    Number(/total_net_input_bytes:(\d+)/.exec(String(await admin.call("INFO", "stats")))?.[1]);
  const before = await received();
  const refused = client.enqueue(new Task("work", new Uint8Array(size)), { queue });
  await expect(refused).rejects.toBeInstanceOf(PayloadTooLargeError);
  expect((await received()) - before).toBeLessThan(10_000);
  expect(await admin.sismember("asynq:queues", queue)).toBe(0);
});

describe("one task id", () => {
  it("goes to one of 50 clients that want it at once (H01)", async () => {
    const queue = freshQueue();
    const clients = Array.from({ length: 50 }, () => bench.client(redis.url));
    await Promise.all(clients.map((client) => client.ping()));
    const answers = await Promise.allSettled(
      clients.map((client) => client.enqueue(new Task("work"), { queue, taskId: "wanted" })),
    );
    expect(answers.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    const refusals = answers.filter((answer) => answer.status === "rejected");
    expect(refusals.every(({ reason }) => reason instanceof TaskIdConflictError)).toBe(true);
    expect(refusals).toHaveLength(49);
  });

  it("that is taken leaves no lock behind (H02)", async () => {
    const queue = freshQueue();
    const client = bench.client(redis.url);
    const admin = redis.client();
    await client.enqueue(new Task("work", "first"), { queue, taskId: "taken" });
    const refused = client.enqueue(new Task("work", "second"), { queue, taskId: "taken", unique: "1h" });
    await expect(refused).rejects.toBeInstanceOf(TaskIdConflictError);
    expect(await admin.keys(`asynq:{${queue}}:unique:*`)).toEqual([]);
    await client.enqueue(new Task("work", "second"), { queue, unique: "1h" });
  });
});

it("lets a second task run once the lock of the first has run out, which then does not free the second's (H03)", async () => {
  const queue = freshQueue();
  const client = bench.client(redis.url);
  const releases: (() => void)[] = [];
  const server = await bench.server(
    redis.url,
    () => new Promise<void>((resolve) => void releases.push(resolve)),
    { queue },
  );
  const enqueue = (unique: "1s" | "1h") => client.enqueue(new Task("work", "same"), { queue, unique });
  const first = await enqueue("1s");
  await eventually("the first runs", () => server.starts(first.id) === 1);
  await expect(enqueue("1h")).rejects.toBeInstanceOf(DuplicateTaskError);
  const admin = redis.client();
  await eventually("the lock has run out", async () => {
    return (await admin.keys(`asynq:{${queue}}:unique:*`)).length === 0;
  });
  const second = await enqueue("1h");
  await eventually("both run", () => server.starts(second.id) === 1);

  releases[0]?.();
  await server.hasSettled(1);
  await expect(enqueue("1h")).rejects.toMatchObject({ taskId: second.id });
  releases[1]?.();
  await server.hasSettled(2);
  const third = await enqueue("1h");
  await eventually("the third runs", () => server.starts(third.id) === 1);
  releases[2]?.();
  await server.hasSettled(3);
  expect(server.settled.every(({ cause }) => cause === "success")).toBe(true);
});
