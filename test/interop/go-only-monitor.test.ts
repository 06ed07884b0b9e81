import { hostname } from "node:os";
import { beforeEach, describe, expect, it } from "vitest";
import { redisEngine } from "../../src/index.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { parseExposition } from "../metrics/exposition.ts";
import { type Answer, MonitorRig } from "../monitor/monitor-rig.ts";
import { redisForFile } from "../support/redis-rig.ts";
import { countTests } from "./count-tests.ts";
import { counted } from "./counts.ts";
import { fillByGo, scheduleByGo } from "./go-only.ts";
import { goInstant } from "./go-shape.ts";
import { eventually, hearKeys } from "./news.ts";

const redis = await redisForFile();
await hearKeys(redis);
const go = await fillByGo(redis.url);
const { every, rare } = await scheduleByGo(go);

let rig: MonitorRig;
const asked = new Set<string>();

beforeEach(async () => {
  rig = await MonitorRig.start({ engine: redisEngine(redis.url, { logger: silentLogger }) });
});
countTests("tool-scenarios");

/** Asks a route by its name in the OpenAPI document. */
async function get(
  route: string,
  params: Readonly<Record<string, string>> = {},
  query = "",
): Promise<Answer> {
  const path = route.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ""));
  const answer = await rig.send(path + query);
  expect([route, answer.status]).toEqual([route, 200]);
  asked.add(route);
  counted("tool-commands");
  return answer;
}

async function change(path: string, body: object = {}, method = "POST"): Promise<Answer> {
  const answer = await rig.change(path, { method, body });
  expect([path, answer.status, answer.status < 300 ? "" : answer.text]).toEqual([path, answer.status, ""]);
  counted("tool-commands");
  return answer;
}

type GoFacts = Readonly<Record<string, unknown>>;

const LISTS = {
  active: "ListActiveTasks",
  pending: "ListPendingTasks",
  scheduled: "ListScheduledTasks",
  retry: "ListRetryTasks",
  archived: "ListArchivedTasks",
  completed: "ListCompletedTasks",
} as const;

const text = (hex: unknown) => Buffer.from(String(hex ?? ""), "hex").toString();
/** As `Instant` of the monitor's. */
const instant = (at: unknown) => (at === null ? null : Math.floor(Date.parse(String(at))));

/** The row of a queue, as Go's inspector tells it. */
async function goRow(queue: string): Promise<object> {
  const info = await go.inspect<GoFacts>("GetQueueInfo", queue);
  return {
    ...{ queue, paused: info["Paused"], size: info["Size"], groups: info["Groups"] },
    ...{ pending: info["Pending"], active: info["Active"], scheduled: info["Scheduled"] },
    ...{ retry: info["Retry"], archived: info["Archived"], completed: info["Completed"] },
    ...{ aggregating: info["Aggregating"], processedToday: info["Processed"], failedToday: info["Failed"] },
    ...{ processedTotal: info["ProcessedTotal"], failedTotal: info["FailedTotal"] },
  };
}

describe("where only Go runs, the monitor shows", () => {
  it("the queues as Go does", async () => {
    const { queues } = (await get("/api/queues")).json;
    const live = (await get("/api/snapshot", {}, "?topics=overview,servers,queue:work")).json;
    for (const queue of ["work", "held"]) {
      const row = { ...(await goRow(queue)), servers: 1, priority: queue === "work" ? 3 : 1 };
      for (const rows of [queues, live.overview.queues])
        expect(rows.find((each: GoFacts) => each["queue"] === queue)).toMatchObject(row);
      const detail = (await get("/api/queues/{queue}", { queue })).json;
      expect(detail).toMatchObject({
        ...{ row, memoryBytes: expect.any(Number) },
        servedBy: [{ host: hostname(), pid: go.pid, priority: row.priority, strict: true }],
      });
      const [day] = (await get("/api/queues/{queue}/history", { queue }, "?days=1")).json.days;
      const [theirs] = await go.inspect<GoFacts[]>("History", queue, 1);
      expect(day).toMatchObject({ processed: theirs?.["Processed"], failed: theirs?.["Failed"] });
    }
    expect(live.queues.work.row).toMatchObject(await goRow("work"));
    expect(live.overview.totals).toMatchObject({ servers: 1, slots: 2, failures: 2 });
    const groups = (await get("/api/queues/{queue}/groups", { queue: "work" })).json.groups;
    expect(groups.map(({ group, size }: GoFacts) => ({ Group: group, Size: size }))).toEqual(
      await go.inspect("Groups", "work"),
    );
  });

  it("each task as Go does", async () => {
    const queue = "work";
    const listed: string[] = [];
    for (const [state, method] of Object.entries(LISTS)) {
      const theirs = await go.inspect<GoFacts[]>(method, queue);
      const page = (await get("/api/queues/{queue}/tasks", { queue }, `?state=${state}`)).json;
      expect(page).toMatchObject({ total: theirs.length, page: 1 });
      expect(page.tasks.map(({ id }: GoFacts) => id)).toEqual(theirs.map(({ ID }) => ID));
      for (const task of theirs) {
        const id = String(task["ID"]);
        listed.push(id);
        const detail = (await get("/api/queues/{queue}/tasks/{id}", { queue, id })).json;
        expect(detail).toMatchObject({
          ...{ id, queue, state, type: task["Type"], damaged: false, orphaned: task["IsOrphaned"] },
          ...{ retried: task["Retried"], maxRetry: task["MaxRetry"], error: task["LastErr"] || null },
          ...{ lastFailedAt: instant(task["LastFailedAt"]), completedAt: instant(task["CompletedAt"]) },
          ...{ deadline: instant(task["Deadline"]), payload: { text: text(task["Payload"]) } },
          result: { text: text(task["Result"]) },
          headers: Object.entries(task["Headers"] ?? {}).map(([name, value]) => ({ name, value })),
          attempts: null,
        });
        if (state !== "pending") expect(detail.nextProcessAt).toBe(instant(task["NextProcessAt"]));
        const payload = await get("/api/queues/{queue}/tasks/{id}/payload", { queue, id });
        expect(payload.text).toBe(text(task["Payload"]));
      }
    }
    const result = await get("/api/queues/{queue}/tasks/{id}/result", { queue, id: "done" });
    expect(result.text).toBe('{"sum":3}');
    const members = (await get("/api/queues/{queue}/tasks", { queue }, "?state=aggregating&group=a")).json;
    expect(members.tasks).toMatchObject([{ id: "a-1", group: "a" }, { id: "a-2" }]);
    listed.push("a-1", "a-2");
    const found = (await get("/api/tasks", {}, "?queues=work&limit=100")).json;
    expect(found.tasks.map(({ id }: GoFacts) => id).sort()).toEqual(listed.sort());
    const lucky = (await get("/api/tasks", {}, `?filter=${encodeURIComponent("state:retry error:~luck")}`))
      .json;
    expect(lucky.tasks).toMatchObject([{ id: "again" }]);
    const failures = (await get("/api/failures", {}, "?queue=work")).json;
    expect(failures).toMatchObject({ scanned: 2, total: 2 });
    const messages = failures.groups.map(({ message, count }: GoFacts) => [message, count]);
    expect(messages.sort()).toEqual([
      [expect.stringContaining("never again"), 1],
      ["no luck", 1],
    ]);
  });

  it("the server and its workers as Go does", async () => {
    // Go shows what it runs with the next heartbeat, 5 s later.
    await eventually("Go shows both workers", async () => {
      const [server] = await go.inspect<{ ActiveWorkers: object[] }[]>("Servers");
      return server?.ActiveWorkers.length === 2;
    });
    const [theirs = {}] = await go.inspect<GoFacts[]>("Servers");
    const { servers } = (await get("/api/servers")).json;
    expect(servers).toEqual([
      {
        ...{ id: theirs["ID"], host: theirs["Host"], pid: theirs["PID"], status: theirs["Status"] },
        ...{
          startedAt: instant(theirs["Started"]),
          version: null,
          lag: null,
          concurrency: 2,
          strictPriority: true,
        },
        queues: expect.arrayContaining(
          Object.entries(theirs["Queues"] as object).map(([queue, priority]) => ({ queue, priority })),
        ),
        workers: expect.any(Array),
      },
    ]);
    const byId = (a: GoFacts, b: GoFacts) => (String(a["taskId"]) < String(b["taskId"]) ? -1 : 1);
    const workers = (theirs["ActiveWorkers"] as GoFacts[]).map((worker) => ({
      ...{ taskId: worker["TaskID"], queue: worker["Queue"], type: worker["TaskType"] },
      ...{ startedAt: instant(worker["Started"]), deadline: instant(worker["Deadline"]) },
    }));
    expect(servers[0].workers.sort(byId)).toEqual(workers.sort(byId));
    const busy = (await get("/api/queues/{queue}/tasks/{id}", { queue: "work", id: "busy-1" })).json;
    const worker = workers.find(({ taskId }) => taskId === "busy-1");
    expect(busy.runningOn).toMatchObject({
      ...{ serverId: theirs["ID"], pid: go.pid, startedAt: worker?.startedAt, deadline: worker?.deadline },
    });
  });

  it("the schedules as Go does; what was never due was never", async () => {
    // Go says once a second when an entry was due last.
    await eventually("one was due", async () => {
      const entries = await go.inspect<GoFacts[]>("SchedulerEntries");
      return entries.some(({ ID, Prev }) => ID === every && Prev !== null);
    });
    const { entries, now } = (await get("/api/schedulers")).json;
    expect(entries).toHaveLength(2);
    for (const theirs of await go.inspect<GoFacts[]>("SchedulerEntries")) {
      const { Type, Payload } = theirs["Task"] as GoFacts;
      const ours = entries.find(({ id }: GoFacts) => id === theirs["ID"]);
      expect(ours).toMatchObject({
        ...{ spec: theirs["Spec"], type: Type, options: theirs["Opts"], queue: "ticks" },
        ...{
          payload: { text: text(Payload) },
          stored: false,
          paused: false,
          schedulers: 1,
          definition: null,
        },
      });
      if (theirs["ID"] === rare) {
        expect(ours).toMatchObject({ previous: null, next: instant(theirs["Next"]) });
        expect(goInstant(new Date(ours.nextRuns[0]))).toBe(theirs["Next"]);
      } else expect(now - ours.previous).toBeLessThan(60_000);
    }
    const { events } = (await get("/api/schedulers/{id}/events", { id: every }, "?page_size=100")).json;
    const theirs = await go.inspect<GoFacts[]>("ListSchedulerEnqueueEvents", every, { page: 1, size: 1000 });
    expect(events.length).toBeGreaterThan(0);
    // Meanwhile there may have been more.
    const first = theirs.findIndex(({ TaskID }) => TaskID === events[0].taskId);
    expect(events.map(({ taskId, enqueuedAt }: GoFacts) => [taskId, enqueuedAt])).toEqual(
      theirs
        .slice(first, first + events.length)
        .map(({ TaskID, EnqueuedAt }) => [TaskID, instant(EnqueuedAt)]),
    );
    expect((await get("/api/schedulers/{id}/events", { id: rare })).json.events).toEqual([]);
    const meant = (await get("/api/spec", {}, `?spec=${encodeURIComponent("0 0 1 1 *")}`)).json;
    expect(meant.nextRuns[0]).toBe(instant((await entryOf(rare))["Next"]));
  });

  it("all else that it can be asked, though Go measures nothing", async () => {
    expect((await get("/healthz")).json).toEqual({ ok: true });
    expect((await get("/api/session")).json).toMatchObject({ role: "admin", engine: { status: "up" } });
    expect((await get("/api/definitions")).json).toEqual({ definitions: [] });
    expect((await get("/api/operations")).json).toEqual({ operations: [] });
    expect((await get("/api/audit")).json).toEqual({ lines: [] });
    const metrics = (await get("/api/metrics", {}, "?queue=work")).json;
    expect(metrics.series.flatMap(({ totals }: GoFacts) => totals)).toEqual(
      metrics.series.map(() => expect.objectContaining({ processed: 0 })),
    );
    const { findings } = (await get("/api/engine")).json;
    const told = findings.flatMap(({ id, level }: GoFacts) => (level === "ok" ? [] : [id]));
    expect(told.sort()).toEqual(["GO_PEERS", "PERSISTENCE", "QUEUE_PAUSED"]);
    const tasks = parseExposition((await get("/metrics")).text).get("titanqueue_queue_tasks")?.samples;
    for (const [state, method] of Object.entries(LISTS)) {
      const theirs = await go.inspect<object[]>(method, "work");
      const ours = tasks?.find(({ labels }) => labels["queue"] === "work" && labels["state"] === state);
      expect([state, ours?.value]).toEqual([state, theirs.length]);
    }
  });

  it("what happens meanwhile", async () => {
    const { Pending } = await go.inspect<{ Pending: number }>("GetQueueInfo", "ticks");
    const response = await fetch(new URL("/api/live?topics=queue:ticks", rig.url));
    expect(response.status).toBe(200);
    asked.add("/api/live");
    const decoder = new TextDecoder();
    let told = "";
    const counts = () => [...told.matchAll(/"pending":(\d+)/g)].map(([, count]) => Number(count));
    // Its entry is due every second, and its server is busy.
    for await (const piece of response.body ?? []) {
      told += decoder.decode(piece as Uint8Array, { stream: true });
      if (/^event: delta$/m.test(told) && counts().some((count) => count > Pending)) break;
    }
    expect(told).toMatch(/^event: snapshot\n/m);
  });
});

describe("where only Go runs, the monitor changes", () => {
  const tasks = "/api/queues/work/tasks";
  const began = (id: string, retried = 0) =>
    go.event("started", (event) => event.task === id && event.retried === retried);
  const stateOf = async (id: string) => (await go.inspect<GoFacts>("GetTaskInfo", "work", id))["State"];
  /** Until an operation has ended. */
  const ended = async ({ json }: Answer) => {
    // The last it does is no write; the entry that is due every second makes it be looked at again.
    await eventually("the operation has ended", async () => {
      return (await get("/api/operations/{id}", { id: json.id })).json.status === "done";
    });
    return (await get("/api/operations/{id}", { id: json.id })).json;
  };

  it("tasks, and Go's server does as it says", async () => {
    // Nothing runs meanwhile but what was taken before.
    await change("/api/queues/work/pause");
    expect(await go.inspect("GetQueueInfo", "work")).toMatchObject({ Paused: true });
    await change(`${tasks}/later/payload`, { payload: { kind: "json", text: '{"new":1}' } });
    expect(text((await go.inspect<GoFacts>("GetTaskInfo", "work", "later"))["Payload"])).toBe('{"new":1}');
    await change(`${tasks}/next-1/archive`);
    expect(await stateOf("next-1")).toBe("archived");
    await change(`${tasks}/next-2`, {}, "DELETE");
    await expect(stateOf("next-2")).rejects.toMatchObject({ code: "task-not-found" });
    await change(`${tasks}/later/run`);
    expect(await stateOf("later")).toBe("pending");
    const copy = (await change(`${tasks}/done/copy`, { options: { taskId: "copy" } })).json;
    expect(copy).toMatchObject({ id: "copy", state: "pending" });
    await change("/api/tasks", {
      type: "t",
      payload: { kind: "json", text: "{}" },
      options: { queue: "work", taskId: "new", headers: [{ name: "tenant", value: "acme" }] },
    });
    const chosen = ["again", "a-1"].map((id) => ({ queue: "work", id }));
    expect((await change("/api/changes", { action: "run", tasks: chosen })).json.changed).toBe(2);
    const redriven = await ended(
      await change("/api/operations", { action: "redrive", filter: "id:next-1", queues: ["work"] }),
    );
    expect(redriven).toMatchObject({ changed: 1, matched: 1 });
    expect((await change(`${tasks}/busy-1/cancel`, { then: "archive" })).json.outcome).toBe("signaled");
    await go.event("ended", ({ task, error }) => task === "busy-1" && error === "context canceled");
    await go.finish("busy-2");
    expect(go.events.some(({ event, task }) => event === "started" && task === "new")).toBe(false);

    await change("/api/queues/work/unpause");
    for (const id of ["later", "copy", "new", "next-1", "a-1"]) await began(id);
    await began("again", 1);
    expect((await began("new")).headers).toEqual({ tenant: "acme" });
    expect(text((await began("later")).payload)).toBe('{"new":1}');
  });

  it("no schedules: they are their program's", async () => {
    for (const [path, method] of [
      ["", "DELETE"],
      ["/run", "POST"],
    ] as const) {
      const refused = await rig.change(`/api/schedulers/${rare}${path}`, { method, body: {} });
      expect([path, refused.status, refused.json.error.code]).toEqual([path, 409, "NOT_STORED"]);
    }
    expect(await go.inspect("ListSchedulerEnqueueEvents", rare)).toEqual([]);
    expect(await entryOf(rare)).toMatchObject({ ID: rare });
  });

  it("queues: one is removed with all that it holds", async () => {
    const removed = await ended(await change("/api/queues/held", { confirm: "held", force: true }, "DELETE"));
    expect(removed).toMatchObject({ action: "delete-queue", status: "done" });
    expect(await go.inspect("Queues")).not.toContain("held");
  });

  it("was asked everything that it can be asked", async () => {
    const { paths } = (await get("/api/openapi.json")).json;
    const all = Object.entries(paths as Record<string, object>).flatMap(([path, methods]) =>
      Object.hasOwn(methods, "get") ? [path] : [],
    );
    expect([...asked].sort()).toEqual(all.sort());
  });
});

async function entryOf(id: string): Promise<GoFacts> {
  const entries = await go.inspect<GoFacts[]>("SchedulerEntries");
  return entries.find(({ ID }) => ID === id) ?? {};
}
