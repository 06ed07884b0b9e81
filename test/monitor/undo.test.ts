import { expect, it } from "vitest";
import {
  Client,
  type Engine,
  Inspector,
  memoryEngine,
  redisEngine,
  Server,
  SkipRetry,
  Task,
} from "../../src/index.ts";
import type { FailureGroup } from "../../src/monitor/api.ts";
import type { AuditLine, Operation } from "../../src/monitor/index.ts";
import { createMonitor } from "../../src/monitor/index.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { fakeRuntime, settle } from "../support/fake-runtime.ts";
import { redisForFile } from "../support/redis-rig.ts";
import { MonitorRig } from "./monitor-rig.ts";

const redis = await redisForFile();
const NOW = Date.UTC(2026, 9, 23, 12);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

async function rigOn(kind: "memory" | "redis") {
  // Redis has a clock of its own; only the time that can be undone is in the test's hands.
  const runtime = fakeRuntime({ now: kind === "redis" ? Date.now() : NOW });
  if (kind === "redis") await redis.flush();
  const engine = kind === "redis" ? redisEngine(redis.url, { runtime }) : memoryEngine({ runtime });
  const rig = await MonitorRig.start({ engine, runtime });
  const inspector = new Inspector(engine);
  const put = (taskId: string, more = {}) =>
    rig.client.enqueue(new Task("a", { taskId }), { taskId, queue: "low", ...more });
  const states = async () => {
    const all: string[] = [];
    for (const state of ["pending", "scheduled", "retry", "archived", "completed"] as const) {
      const tasks = await inspector.listTasks("low", state);
      if (tasks.length > 0) all.push(`${state}: ${tasks.map(({ id }) => id).sort()}`);
    }
    return all.join("; ");
  };
  const operation = async (id: string) => (await rig.send(`/api/operations/${id}`)).json as Operation;
  const begin = async (body: object) => {
    const begun = await rig.change("/api/operations", { body: { action: "delete", filter: "", ...body } });
    expect(begun.status).toBe(200);
    const { id } = begun.json as Operation;
    await expect.poll(async () => (await operation(id)).status, { interval: 5 }).not.toBe("running");
    return operation(id);
  };
  const undo = (id: string) => rig.change(`/api/operations/${id}/undo`, { body: {} });
  return { rig, engine, runtime, inspector, put, states, begin, undo, operation };
}

/** A task in each state that can be deleted. */
async function seed({ put, engine, inspector }: Awaited<ReturnType<typeof rigOn>>): Promise<void> {
  await put("completed", { retention: "1h" });
  await put("retry", { maxRetry: 5 });
  await put("archived");
  await using server = new Server(engine, {
    queues: { low: 1 },
    logger: silentLogger,
    retryDelay: () => 2 * HOUR,
  });
  let left = 3;
  const ended = new Promise<void>((resolve) => {
    server.on("taskSettled", () => {
      left -= 1;
      if (left === 0) resolve();
    });
  });
  await server.start(async (task: Task) => {
    const { taskId } = task.payload as { taskId: string };
    if (taskId === "retry") throw new Error("no 1");
    if (taskId === "archived") throw new SkipRetry("never");
  });
  await ended;
  await server.shutdown();
  await put("pending");
  await put("scheduled", { processIn: "1h" });
  await inspector.close();
}

it.each(["memory", "redis"] as const)(
  "puts all tasks back to where they were, on the %s engine",
  async (kind) => {
    const at = await rigOn(kind);
    const { rig, states, begin, undo } = at;
    await seed({ ...at, inspector: new Inspector(at.engine) });
    const before = await states();
    expect(before).toBe(
      "pending: pending; scheduled: scheduled; retry: retry; archived: archived; completed: completed",
    );
    const dueAt = async (id: string) => (await rig.send(`/api/queues/low/tasks/${id}`)).json.nextProcessAt;
    const due = [await dueAt("scheduled"), await dueAt("retry")];

    const done = await begin({ undoable: true });
    expect(done).toMatchObject({ status: "done", changed: 5, matched: 5, canUndo: null, undone: null });
    expect(Math.abs((done.undoUntil ?? 0) - (done.endedAt ?? 0) - 10 * MINUTE)).toBeLessThan(1_000);
    expect(await states()).toBe("archived: archived,pending,retry,scheduled; completed: completed");
    const listed = (await rig.send("/api/queues/low/tasks?state=archived")).json.tasks;
    for (const { deleteAt } of listed) expect(deleteAt).toBe(done.undoUntil);

    const undone = await undo(done.id);
    expect([undone.status, undone.json]).toMatchObject([200, { undone: 5, undoUntil: null }]);
    expect(await states()).toBe(before);
    for (const [i, id] of ["scheduled", "retry"].entries()) {
      expect(Math.abs((await dueAt(id)) - due[i])).toBeLessThan(1_000);
    }
    expect((await rig.send("/api/queues/low/tasks/archived")).json.deleteAt).toBeNull();
    const again = await undo(done.id);
    expect([again.status, again.json.error.code]).toEqual([409, "NOT_UNDOABLE"]);
    const { lines } = (await rig.send("/api/audit")).json as { lines: AuditLine[] };
    expect(lines.slice(1, 4).map(({ what, count, outcome }) => [what, count, outcome])).toEqual([
      ["POST /api/operations/{id}/undo", 5, "done"],
      ["end of delete", 5, "done"],
      ["POST /api/operations", null, "done"],
    ]);
  },
);

it("deletes after ten minutes, and not before; and nothing that somebody has run since", async () => {
  const at = await rigOn("memory");
  const { runtime, inspector, put, states, begin, operation, undo, rig } = at;
  for (const id of ["one", "two", "three"]) await put(id);
  await put("done", { processIn: "1h" });
  await inspector.archiveTask({ queue: "low", id: "done" });
  const { id } = await begin({ undoable: true, filter: "-id:three" });
  await inspector.runTask({ queue: "low", id: "two" });
  await runtime.clock.advance(10 * MINUTE - 1);
  await settle();
  expect(await states()).toBe("pending: three,two; archived: done,one");
  await runtime.clock.advance(1);
  await expect.poll(states, { interval: 5 }).toBe("pending: three,two");
  expect((await operation(id)).undoUntil).toBeNull();
  expect((await undo(id)).status).toBe(409);
  const { lines } = (await rig.send("/api/audit")).json as { lines: AuditLine[] };
  expect(lines.find(({ what }) => what === "end of undo time")).toMatchObject({ count: 2, outcome: "done" });
});

it("leaves alone what has run, and failed again, in the meantime", async () => {
  const at = await rigOn("memory");
  const { runtime, inspector, put, states, begin, engine } = at;
  await put("one", { maxRetry: 0 });
  await begin({ undoable: true });
  await runtime.clock.advance(1_000);
  await inspector.runTask({ queue: "low", id: "one" });
  await using server = new Server(engine, { queues: { low: 1 }, logger: silentLogger });
  const failed = new Promise<void>((resolve) => void server.on("taskSettled", () => resolve()));
  await server.start(async () => {
    throw new Error("once more");
  });
  await failed;
  await server.shutdown();
  expect(await states()).toBe("archived: one");
  await runtime.clock.advance(10 * MINUTE);
  await settle();
  expect(await states()).toBe("archived: one");
});

it("deletes tasks that were chosen, and tells of each", async () => {
  const { rig, put, states, undo } = await rigOn("memory");
  await put("one");
  await put("two", { processIn: "1h" });
  await put("grouped", { group: "g" });
  const refs = (...ids: string[]) => ids.map((id) => ({ queue: "low", id }));
  const change = (ids: string[], more = {}) =>
    rig.change("/api/changes", { body: { action: "delete", undoable: true, tasks: refs(...ids), ...more } });
  const grouped = await change(["one", "grouped"]);
  expect([grouped.status, grouped.json.error.code]).toEqual([409, "NOT_UNDOABLE"]);
  expect((await change(["one"], { action: "run" })).json.error).toMatchObject({ where: "undoable" });
  expect(await states()).toBe("pending: one; scheduled: two");

  const { json } = await change(["one", "none", "two"]);
  expect(json).toMatchObject({
    changed: 2,
    results: [{ error: null }, { error: { code: "TASK_NOT_FOUND" } }, { error: null }],
    operation: { action: "delete", status: "done", changed: 2 },
  });
  expect(await states()).toBe("archived: one,two");
  expect((await undo(json.operation.id)).json.undone).toBe(2);
  expect(await states()).toBe("pending: one; scheduled: two");
  expect((await change(["two"], { undoable: false })).json.operation).toBeNull();
  expect(await states()).toBe("pending: one");
});

it("says beforehand that too many cannot be undone, and changes none of them", async () => {
  const { rig, inspector, begin, put } = await rigOn("memory");
  const many = Array.from({ length: 9_001 }, (_, n) => ({
    task: new Task("many", { n }),
    options: { queue: "many", taskId: `m${n}`, processIn: "1h" },
  }));
  await rig.client.enqueueBatch(many);
  const dry = await begin({ undoable: true, filter: "type:many", dryRun: true });
  expect(dry).toMatchObject({ status: "done", matched: 9_001, canUndo: false, changed: 0 });
  const refused = await begin({ undoable: true, filter: "type:many" });
  expect(refused).toMatchObject({ status: "failed", changed: 0, error: { code: "NOT_UNDOABLE" } });
  expect(await inspector.getQueueInfo("many")).toMatchObject({ scheduled: 9_001, archived: 0 });
  const fewer = await begin({ undoable: true, filter: "type:many", limit: 9_000, dryRun: true });
  expect(fewer).toMatchObject({ canUndo: true, matched: 9_000 });
  await put("one");
  expect((await begin({ filter: "type:a", dryRun: true })).canUndo).toBeNull();
});

it("lets no two deletions at once take more room than there is", async () => {
  const { rig, inspector, begin, operation } = await rigOn("memory");
  for (const type of ["left", "right"]) {
    const half = Array.from({ length: 4_600 }, (_, n) => ({
      task: new Task(type, { n }),
      options: { queue: "many", taskId: `${type}${n}`, processIn: "1h" },
    }));
    await rig.client.enqueueBatch(half);
  }
  // The clock stands: it has archived its first hundred, and waits.
  const body = { action: "delete", filter: "type:left", undoable: true, rate: 100 };
  const { id } = (await rig.change("/api/operations", { body })).json as Operation;
  await expect.poll(async () => (await operation(id)).done, { interval: 5 }).toBe(100);
  const right = { undoable: true, filter: "type:right" };
  expect(await begin(right)).toMatchObject({ changed: 0, error: { code: "NOT_UNDOABLE" } });
  await rig.change(`/api/operations/${id}/stop`, { body: {} });
  await expect.poll(async () => (await operation(id)).status, { interval: 5 }).toBe("stopped");
  expect(await begin(right)).toMatchObject({ status: "done", changed: 4_600 });
  expect(await inspector.getQueueInfo("many")).toMatchObject({ archived: 4_700 });
});

it("loses nothing when the monitor ends before: tasks stay archived", async () => {
  const runtime = fakeRuntime({ now: NOW });
  const engine: Engine = memoryEngine({ runtime });
  await using client = new Client(engine);
  await using inspector = new Inspector(engine);
  await client.enqueue(new Task("a"), { taskId: "one" });
  const lines: string[] = [];
  const note = (_: unknown, text: string) => void lines.push(text);
  const logger = { debug: note, info: note, warn: note, error: note };
  const monitor = createMonitor({ engine, runtime, logger });
  const url = await monitor.listen({ port: 0 });
  const { csrf } = (await (await fetch(`${url}api/session`)).json()) as { csrf: string };
  const body = JSON.stringify({ action: "delete", undoable: true, tasks: [{ queue: "default", id: "one" }] });
  const headers = { "content-type": "application/json", "x-tq-csrf": csrf, origin: new URL(url).origin };
  expect((await fetch(`${url}api/changes`, { method: "POST", body, headers })).status).toBe(200);
  await monitor.close();
  await runtime.clock.advance(HOUR);
  await settle();
  expect((await inspector.getTaskInfo({ queue: "default", id: "one" })).state).toBe("archived");
  expect(lines).toContain("tasks that were to be deleted stay archived");
});

it("changes exactly the tasks of a group of failures", async () => {
  const at = await rigOn("memory");
  const { rig, engine, begin, states, inspector } = at;
  const errors = ["no user 17 here", "no user 42 here", "no user 7 here, but there", "no user here"];
  for (const [n, error] of errors.entries()) {
    await rig.client.enqueue(new Task("mail", { error }), { taskId: `t${n}`, queue: "low", maxRetry: n % 2 });
  }
  await using server = new Server(engine, { queues: { low: 1 }, logger: silentLogger });
  let left = errors.length;
  const ended = new Promise<void>((resolve) => {
    server.on("taskSettled", () => {
      left -= 1;
      if (left === 0) resolve();
    });
  });
  await server.start(async (task: Task) => {
    throw new Error((task.payload as { error: string }).error);
  });
  await ended;
  await server.shutdown();
  expect(await states()).toBe("retry: t1,t3; archived: t0,t2");

  const { groups } = (await rig.send("/api/failures")).json;
  expect(groups[0]).toMatchObject({ message: "no user … here", count: 2, retry: 1, archived: 1 });
  const { fingerprint, filter } = groups[0];
  expect(groups[0].sample.deleteAt).toBeNull();
  expect((await inspector.search(filter)).tasks.length).toBeGreaterThan(2);
  const dry = await begin({ action: "run", fingerprint, dryRun: true });
  expect(dry).toMatchObject({ matched: 2, fingerprint, command: null });
  const wrong = await rig.change("/api/operations", {
    body: { action: "run", filter: "", fingerprint, states: ["scheduled"] },
  });
  expect([wrong.status, wrong.json.error.where]).toEqual([400, "states"]);
  expect(await begin({ action: "archive", fingerprint })).toMatchObject({ matched: 1, changed: 1 });
  expect(await states()).toBe("retry: t3; archived: t0,t1,t2");
  expect(await begin({ action: "redrive", fingerprint, limit: 1 })).toMatchObject({ changed: 1 });
  expect(await begin({ action: "run", fingerprint })).toMatchObject({ matched: 1, changed: 1 });
  expect(await states()).toBe("pending: t0,t1; retry: t3; archived: t2");

  const { undoUntil } = await begin({ undoable: true, filter: "id:t2" });
  const after = (await rig.send("/api/failures")).json.groups as FailureGroup[];
  expect(after.map(({ sample }) => [sample.id, sample.deleteAt])).toContainEqual(["t2", undoUntil]);
});
