import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { Inspector, redisEngine, sqliteEngine, Task } from "../../src/index.ts";
import type { Operation, Role } from "../../src/monitor/api.ts";
import { fakeRuntime, settle } from "../support/fake-runtime.ts";
import { redisForFile } from "../support/redis-rig.ts";
import { MonitorRig } from "./monitor-rig.ts";

const redis = await redisForFile();
const directory = mkdtempSync(join(tmpdir(), "tq-undo-"));
afterAll(() => rmSync(directory, { recursive: true }));

const MINUTE = 60_000;
type Kind = "redis" | "sqlite";
const KINDS = ["redis", "sqlite"] as const;
let files = 0;

/** What a visitor is, by the header `x-who`. */
const VISITORS: Readonly<Record<string, { role: Role; queues?: string[] }>> = {
  admin: { role: "admin" },
  viewer: { role: "view" },
  low: { role: "operate", queues: ["low"] },
  other: { role: "operate", queues: ["other"] },
};

async function rigOn(kind: Kind) {
  // Redis has a clock of its own; only the time that can be undone is in the test's hands.
  const runtime = fakeRuntime({ now: Date.now() });
  if (kind === "redis") await redis.flush();
  files += 1;
  const file = join(directory, `${files}.db`);
  const engine = kind === "redis" ? redisEngine(redis.url, { runtime }) : sqliteEngine(file, { runtime });
  const authorize = (request: Request) => {
    const user = request.headers.get("x-who") ?? "admin";
    return { user, ...(VISITORS[user] as { role: Role; queues?: string[] }) };
  };
  const rig = await MonitorRig.start({ engine, runtime, authorize });
  const inspector = new Inspector(engine);
  const put = (taskId: string, more = {}, payload: object = { taskId }) =>
    rig.client.enqueue(new Task("a", payload), { taskId, queue: "low", ...more });
  const stateOf = async (id: string) => {
    const { status, json } = await rig.send(`/api/queues/low/tasks/${id}`);
    return status === 404 ? "gone" : `${json.state} ${json.payload.text}`;
  };
  const doom = async (...ids: string[]) => {
    const tasks = ids.map((id) => ({ queue: "low", id }));
    const { json } = await rig.change("/api/changes", {
      body: { action: "delete", undoable: true, tasks },
    });
    return json.operation as Operation;
  };
  /** The token against forged requests is the visitor's own. */
  const undo = async (id: string, who = "admin") => {
    const session = await rig.send("/api/session", { headers: { "x-who": who } });
    const headers = { "x-who": who, "x-tq-csrf": session.json.csrf };
    const { status, json } = await rig.change(`/api/operations/${id}/undo`, { headers, body: {} });
    return [status, status === 200 ? json.undone : json.error.code];
  };
  return { rig, runtime, inspector, put, stateOf, doom, undo };
}

it.each(KINDS)("undoes once, and not when its time is over, on %s", async (kind) => {
  const { runtime, put, stateOf, doom, undo } = await rigOn(kind);
  await put("one");
  const first = await doom("one");
  // Both at once: one of them does it.
  expect((await Promise.all([undo(first.id), undo(first.id)])).map(([status]) => status).sort()).toEqual([
    200, 409,
  ]);
  expect(await stateOf("one")).toBe('pending {"taskId":"one"}');
  expect(await undo(first.id)).toEqual([409, "NOT_UNDOABLE"]);
  const second = await doom("one");
  await runtime.clock.advance(10 * MINUTE);
  await expect.poll(() => stateOf("one"), { interval: 5 }).toBe("gone");
  expect(await undo(second.id)).toEqual([409, "NOT_UNDOABLE"]);
});

it.each(KINDS)("leaves what was enqueued anew under the same id, on %s", async (kind) => {
  const { runtime, inspector, put, stateOf, doom, undo } = await rigOn(kind);
  const ref = { queue: "low", id: "one" };
  for (const ending of ["undo", "delete"] as const) {
    await put("one", {}, { old: true });
    await put("witness");
    const { id } = await doom("one", "witness");
    await inspector.deleteTask(ref);
    await put("one", { processIn: "1h" }, { new: true });
    await inspector.archiveTask(ref);
    if (ending === "undo") {
      expect(await undo(id)).toEqual([200, 1]);
      await inspector.deleteTask({ queue: "low", id: "witness" });
    }
    await runtime.clock.advance(10 * MINUTE);
    await expect.poll(() => stateOf("witness"), { interval: 5 }).toBe("gone");
    expect(await undo(id)).toEqual([409, "NOT_UNDOABLE"]);
    expect(await stateOf("one")).toBe('archived {"new":true}');
    await inspector.deleteTask(ref);
  }
});

it.each(KINDS)("does not take away a unique lock that another task holds, on %s", async (kind) => {
  const { rig, runtime, inspector, put, stateOf, doom, undo } = await rigOn(kind);
  const same = { same: true };
  const holder = async () => (await rig.send("/api/queues/low/tasks/two")).json.uniqueLock?.holder;
  await put("one", { unique: "1h" }, same);
  const { id } = await doom("one");
  // Archived, it still stands for its work; deleted by somebody and enqueued once more, it is another task.
  await expect(put("two", { unique: "1h" }, same)).rejects.toMatchObject({ code: "DUPLICATE_TASK" });
  await inspector.deleteTask({ queue: "low", id: "one" });
  await put("two", { unique: "1h" }, same);
  await put("one", {}, same);
  expect(await undo(id)).toEqual([200, 0]);
  const again = await doom("one");
  await runtime.clock.advance(10 * MINUTE);
  await expect.poll(() => stateOf("one"), { interval: 5 }).toBe("gone");
  expect(again.changed).toBe(1);
  expect(await holder()).toBe("two");
});

it.each(KINDS)("puts back the half of a bulk that is left, and says how many, on %s", async (kind) => {
  const { inspector, put, stateOf, doom, undo } = await rigOn(kind);
  const ids = ["a", "b", "c", "d"];
  for (const id of ids) await put(id, { processIn: "1h" });
  await inspector.archiveTask({ queue: "low", id: "d" });
  const { id } = await doom(...ids);
  await inspector.deleteTask({ queue: "low", id: "a" });
  await inspector.runTask({ queue: "low", id: "b" });
  await inspector.deleteTask({ queue: "low", id: "d" });
  expect(await undo(id)).toEqual([200, 1]);
  expect(await Promise.all(ids.map(async (each) => (await stateOf(each)).split(" ")[0]))).toEqual([
    "gone",
    "pending",
    "scheduled",
    "gone",
  ]);
});

it.each(KINDS)("leaves a task to the deletion that came first, on %s", async (kind) => {
  const { rig, runtime, put, stateOf, doom, undo } = await rigOn(kind);
  await put("one");
  await put("two");
  const first = await doom("one");
  await runtime.clock.advance(MINUTE);
  const second = await doom("one", "two");
  const { json } = await rig.send("/api/queues/low/tasks/one");
  expect(json.deleteAt).toBe(first.undoUntil);
  expect(await undo(second.id)).toEqual([200, 1]);
  expect((await rig.send("/api/queues/low/tasks/one")).json.deleteAt).toBe(first.undoUntil);
  expect(await undo(first.id)).toEqual([200, 1]);
  await runtime.clock.advance(20 * MINUTE);
  await settle();
  expect(await stateOf("one")).toBe('pending {"taskId":"one"}');
  expect(await stateOf("two")).toBe('pending {"taskId":"two"}');
});

it.each(KINDS)("undoes for nobody who may not, nor by an id that was made up, on %s", async (kind) => {
  const { put, stateOf, doom, undo } = await rigOn(kind);
  await put("one");
  const { id } = await doom("one");
  expect(await undo(id, "viewer")).toEqual([403, "FORBIDDEN"]);
  expect(await undo(id, "other")).toEqual([404, "NOT_FOUND"]);
  for (const forged of ["__proto__", "constructor", "..%2F..", `${id}%00`, id.toUpperCase(), " "]) {
    const [status] = await undo(encodeURIComponent(forged));
    expect([forged, status]).toEqual([forged, forged === id ? 200 : 404]);
  }
  expect(await stateOf("one")).toBe('archived {"taskId":"one"}');
  expect(await undo(id, "low")).toEqual([200, 1]);
});
