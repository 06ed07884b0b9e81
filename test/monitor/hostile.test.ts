import { afterAll, beforeEach, expect, it } from "vitest";
import { redisEngine, Task } from "../../src/index.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { RedisRig } from "../support/redis-rig.ts";
import { MonitorRig } from "./monitor-rig.ts";

const redis = await RedisRig.start();
const own = redis.client();
afterAll(() => redis.stop());
beforeEach(() => redis.flush());

const opened = (): Promise<MonitorRig> =>
  MonitorRig.start({ engine: redisEngine(redis.url, { logger: silentLogger }) });

const STATES = ["pending", "active", "scheduled", "retry", "archived", "completed"];

/** What lies in a queue, past all that reads and writes it as it should. */
async function put(queue: string, state: string, id: string): Promise<void> {
  await own.sadd("asynq:queues", queue);
  const container = `asynq:{${queue}}:${state}`;
  if (state === "pending" || state === "active") await own.lpush(container, id);
  else await own.zadd(container, 4_000_000_000, id);
}

const at = (queue: string, id: string): string =>
  `/api/queues/${encodeURIComponent(queue)}/tasks/${encodeURIComponent(id)}`;

/** Asks for all that tells of a queue, and gives what was no answer of 200 in JSON. */
async function lists(rig: MonitorRig, queue: string): Promise<unknown[]> {
  const below = `/api/queues/${encodeURIComponent(queue)}`;
  const paths = [
    ...STATES.map((state) => `${below}/tasks?state=${state}`),
    ...["", "/groups", "/history"].map((part) => below + part),
    "/api/queues",
    "/api/tasks",
    "/api/tasks?filter=type:x*",
    "/api/failures",
    "/api/metrics",
    "/api/schedulers",
    `/api/snapshot?topics=overview,${encodeURIComponent(`queue:${encodeURIComponent(queue)}`)}`,
  ];
  const answers = await Promise.all(paths.map(async (path) => ({ path, ...(await rig.send(path)) })));
  return answers
    .filter(({ status, json }) => status !== 200 || json === undefined)
    .map(({ path, status, text }) => [path, status, text]);
}

it("shows messages that cannot be read as damaged, and lets them be changed", async () => {
  const rig = await opened();
  const bytes = Buffer.from([0xff, 0xff, 0xff, 0x0a, 0x80]);
  for (const state of STATES) {
    await put("bad", state, `bad-${state}`);
    await own.hset(`asynq:{bad}:t:bad-${state}`, { msg: bytes, state });
  }
  expect(await lists(rig, "bad")).toEqual([]);
  for (const state of STATES) {
    const [row] = (await rig.send(`/api/queues/bad/tasks?state=${state}`)).json.tasks;
    expect(row).toMatchObject({ id: `bad-${state}`, state, damaged: true });
    expect((await rig.send(at("bad", `bad-${state}`))).json).toMatchObject({ state, damaged: true });
    for (const file of ["payload", "result"]) {
      expect((await rig.send(`${at("bad", `bad-${state}`)}/${file}`)).status).toBe(200);
    }
  }
  expect((await rig.change(`${at("bad", "bad-pending")}/archive`)).status).toBe(204);
  expect((await rig.change(`${at("bad", "bad-retry")}/run`)).status).toBe(204);
  expect((await rig.change(at("bad", "bad-archived"), { method: "DELETE" })).status).toBe(204);
  const active = await rig.change(at("bad", "bad-active"), { method: "DELETE" });
  expect([active.status, active.json.error.code]).toEqual([409, "TASK_ACTIVE"]);
  const copy = await rig.change(`${at("bad", "bad-scheduled")}/copy`, { body: {} });
  expect([copy.status < 500 || copy.status === 502, copy.json.error.code !== "INTERNAL"]).toEqual([
    true,
    true,
  ]);
});

it("lists ids without a hash, and does not find them", async () => {
  const rig = await opened();
  for (const state of STATES) await put("ghosts", state, `ghost-${state}`);
  expect(await lists(rig, "ghosts")).toEqual([]);
  for (const state of STATES) {
    const path = at("ghosts", `ghost-${state}`);
    for (const part of ["", "/payload", "/result"]) {
      const { status, json } = await rig.send(path + part);
      expect([state, part, status, json?.error?.code]).toEqual([state, part, 404, "TASK_NOT_FOUND"]);
    }
    for (const change of ["run", "archive"]) {
      const { status, json } = await rig.change(`${path}/${change}`);
      expect([change, status, json?.error?.code]).toEqual([change, 404, "TASK_NOT_FOUND"]);
    }
    const removed = await rig.change(path, { method: "DELETE" });
    // Of its place in a list it may well be relieved.
    expect([204, 404, 409]).toContain(removed.status);
  }
});

it("goes on where a task is a key of another type", async () => {
  const rig = await opened();
  for (const state of STATES) {
    await put("odd", state, `odd-${state}`);
    await own.set(`asynq:{odd}:t:odd-${state}`, "no hash");
  }
  await rig.client.enqueue(new Task("fine", {}), { queue: "odd", taskId: "fine" });
  expect(await lists(rig, "odd")).toEqual([]);
  for (const state of STATES) {
    const path = at("odd", `odd-${state}`);
    for (const answer of [
      await rig.send(path),
      await rig.send(`${path}/payload`),
      await rig.change(`${path}/run`),
      await rig.change(`${path}/archive`),
      await rig.change(path, { method: "DELETE" }),
    ]) {
      expect(["TASK_NOT_FOUND", "REDIS_WRONG_TYPE"]).toContain(answer.json.error.code);
    }
  }
  expect((await rig.send(at("odd", "fine"))).status).toBe(200);
});

it("shows the other queues where a list of one is a key of another type", async () => {
  const rig = await opened();
  await rig.client.enqueue(new Task("t", {}), { queue: "fine", taskId: "one" });
  await own.sadd("asynq:queues", "broken");
  await own.set("asynq:{broken}:retry", "no zset");
  const { status, json } = await rig.send("/api/queues");
  expect([status, json.queues?.map(({ queue }: { queue: string }) => queue)]).toEqual([200, ["fine"]]);
  expect((await rig.send("/api/snapshot?topics=overview")).json.overview.health).toMatchObject({
    status: "bad",
    findings: [
      { code: "queue-unreadable", queue: "broken" },
      { code: "no-server", queue: "fine" },
    ],
  });
  expect((await rig.send("/healthz")).status).toBe(200);
  expect((await rig.send("/api/queues/fine/tasks?state=pending")).json.tasks).toHaveLength(1);
  for (const path of ["/api/queues/broken", "/api/queues/broken/tasks?state=retry"]) {
    const broken = await rig.send(path);
    expect([path, broken.status, broken.json.error.code]).toEqual([path, 502, "REDIS_WRONG_TYPE"]);
  }
  const found = await rig.send("/api/tasks?queues=fine");
  expect(found.json.tasks).toHaveLength(1);
  await own.del("asynq:{broken}:retry");
  await expect
    .poll(
      async () => (await rig.send("/api/snapshot?topics=overview")).json.overview.health.findings.length,
      { interval: 20 },
    )
    .toBe(1);
});

const HOSTILE = [
  "a/b",
  "a%2Fb",
  "100%",
  "..",
  ".",
  "../../etc/passwd",
  "a\nb",
  "a\r\nx: y",
  "🐇",
  "{a}",
  "a}b",
  "<script>alert(1)</script>",
  "a,b",
  "a?b#c",
  "__proto__",
  "a\u0000b",
  "\u202e",
];

it.each(HOSTILE)("finds a task whose queue, type and id are called %j", async (name) => {
  const rig = await opened();
  const body = { type: name, payload: { kind: "none", text: "" } };
  const made = await rig.change("/api/tasks", { body: { ...body, options: { queue: name, taskId: name } } });
  // What we would not store, another program may have.
  if (made.status !== 200) {
    expect([made.status, made.json.error.code]).toEqual([400, "INVALID_OPTION"]);
    await put(name, "pending", name);
    await own.hset(`asynq:{${name}}:t:${name}`, { msg: Buffer.from("0a0174", "hex"), state: "pending" });
  }
  const bad = (await lists(rig, name)).filter(
    // Such a queue cannot be asked for; it is listed all the same.
    (each) => !(Array.isArray(each) && each[1] === 400 && String(each[2]).includes("INVALID_OPTION")),
  );
  // A dot alone is a step in a path, for whoever parses it.
  if (name !== "." && name !== "..") expect(bad).toEqual([]);
  const listed = await rig.send("/api/queues");
  expect(listed.json.queues).toMatchObject([{ queue: name, pending: 1 }]);
  const everywhere = await rig.send("/api/tasks");
  expect(everywhere.json.tasks).toMatchObject([{ queue: name, id: name }]);
  const task = await rig.send(at(name, name));
  expect([200, 400, 404]).toContain(task.status);
  if (name !== "." && name !== "..") expect(task.json).toMatchObject({ queue: name, id: name });
  const change = { action: "archive", tasks: [{ queue: name, id: name }] };
  const changed = await rig.change("/api/changes", { body: change });
  expect([changed.status, changed.json.changed]).toEqual([200, 1]);
});

it("says that a task which was deleted between list and look is not there", async () => {
  const rig = await opened();
  await rig.client.enqueue(new Task("t", {}), { taskId: "short" });
  const [row] = (await rig.send("/api/queues/default/tasks?state=pending")).json.tasks;
  await rig.change("/api/changes", { body: { action: "delete", tasks: [{ queue: row.queue, id: row.id }] } });
  const path = at(row.queue, row.id);
  for (const answer of [
    await rig.send(path),
    await rig.send(`${path}/payload`),
    await rig.send(`${path}/result`),
    await rig.change(`${path}/run`),
    await rig.change(`${path}/archive`),
    await rig.change(`${path}/copy`, { body: {} }),
    await rig.change(path, { method: "DELETE" }),
  ]) {
    expect([answer.status, answer.json.error.code]).toEqual([404, "TASK_NOT_FOUND"]);
  }
  const again = await rig.change("/api/changes", {
    body: { action: "run", tasks: [{ queue: row.queue, id: row.id }] },
  });
  expect(again.json).toMatchObject({ changed: 0, results: [{ error: { code: "TASK_NOT_FOUND" } }] });
});
