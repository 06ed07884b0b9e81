import { hostname } from "node:os";
import { describe, expect, it } from "vitest";
import { silentLogger } from "../../src/runtime/logger.ts";
import { Scheduler } from "../../src/scheduler/scheduler.ts";
import { Server } from "../../src/server/server.ts";
import { Task } from "../../src/task.ts";
import { VERSION } from "../../src/version.ts";
import { redisForFile } from "../support/redis-rig.ts";
import { installationForFile } from "./installation.ts";
import { liveServer } from "./live-server.ts";
import { Operator } from "./operator.ts";

const installation = await installationForFile();
const redis = await redisForFile();

const INSTANT = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

const TASK = {
  queue: "default",
  id: "one",
  type: "report",
  state: "pending",
  payload: null,
  payloadBase64: null,
  headers: {},
  maxRetry: 25,
  retried: 0,
  lastError: null,
  lastFailedAt: null,
  attempts: null,
  timeout: 1_800_000,
  deadline: null,
  group: null,
  nextProcessAt: INSTANT,
  orphaned: false,
  retention: 0,
  completedAt: null,
  result: null,
  resultBase64: null,
  damaged: false,
};

const QUEUE = {
  queue: "default",
  active: 0,
  pending: 1,
  scheduled: 0,
  retry: 0,
  archived: 0,
  completed: 0,
  aggregating: 0,
  groups: 0,
  size: 1,
  processed: 0,
  failed: 0,
  processedTotal: 0,
  failedTotal: 0,
  paused: false,
  latency: expect.any(Number),
  timestamp: INSTANT,
};

describe.each([
  ["a SQLite file", () => new Operator(installation)],
  [
    "Redis",
    async () => {
      await redis.flush();
      return new Operator(installation, redis.url);
    },
  ],
] as const)("commands on %s", (_, open) => {
  it("enqueue a task as asynq's command does, and show it", async () => {
    const at = await open();
    const enqueued = await at.json(
      ...["task", "enqueue", "--type_name", "report", "--payload", '{"day":1.00}'],
      ...["--queue", "low", "--id", "one", "--retry", "3", "--process_in", "1h", "--retention", "1d"],
      ...["--timeout", "30s", "--header", "tenant=acme", "--header", "trace=a=b"],
    );
    const task = {
      ...TASK,
      queue: "low",
      state: "scheduled",
      payload: { day: 1 },
      headers: { tenant: "acme", trace: "a=b" },
      maxRetry: 3,
      retention: 86_400_000,
      timeout: 30_000,
    };
    expect(enqueued).toEqual({ task });
    expect(await at.json("task", "inspect", "one", "-q", "low")).toEqual({ tasks: [task] });
    // The bytes are those that were written: they were not read and written anew.
    expect(await at.text("task", "inspect", "-i", "one", "-q", "low", "--raw")).toBe('{"day":1.00}');
    expect(await at.text("task", "inspect", "one", "-q", "low")).toMatch(/^state +scheduled$/m);
  });

  it("show the failed attempts of a task", async () => {
    const at = await open();
    const { id } = await at.client.enqueue(new Task("report", {}), { maxRetry: 0 });
    const server = new Server(at.url, { concurrency: 1, logger: silentLogger });
    const ended = new Promise((resolve) => server.on("taskSettled", resolve));
    await server.start(() => {
      throw new Error("no route");
    });
    await ended;
    await server.shutdown();
    const { tasks } = (await at.json("task", "inspect", id, "-q", "default")) as { tasks: object[] };
    const attempt = {
      at: INSTANT,
      outcome: "archive",
      cause: "exhausted",
      duration: expect.any(Number),
      server: `${hostname()}:${process.pid}`,
      error: "no route",
    };
    expect(tasks).toMatchObject([{ id, attempts: [attempt] }]);
    expect(await at.text("task", "inspect", id, "-q", "default")).toMatch(
      /^failed attempt +\S+Z archive \(exhausted\) after \d+ ms on \S+: no route$/m,
    );
  });

  it("read a payload from standard input", async () => {
    const at = await open();
    const ended = await at.run(["task", "enqueue", "-t", "report", "-l", "-", "--id", "one"], {
      input: "[1]",
    });
    expect(ended).toMatchObject({ code: 0, out: "one is pending in default\n", err: "" });
    expect((await at.inspector.getTaskInfo({ queue: "default", id: "one" })).payload).toEqual([1]);
  });

  it("list tasks by page, or all of them one a line", async () => {
    const at = await open();
    for (const taskId of ["one", "two", "three"]) await at.client.enqueue(new Task("report"), { taskId });
    const list = ["task", "ls", "-q", "default", "-s", "pending"];
    expect(await at.json(...list, "--size", "1")).toEqual({ tasks: [TASK], page: 1, pageSize: 1 });
    expect(await at.json(...list, "--size", "1", "--page", "4")).toEqual({ tasks: [], page: 4, pageSize: 1 });
    const lines = (await at.text(...list, "--all", "--jsonl")).trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line).id)).toEqual(["one", "two", "three"]);
    expect(await at.text(...list)).toMatch(/^ID +TYPE +PAYLOAD\none +report +-\n/);
    expect(await at.run([...list, "--page", "9"])).toEqual({
      code: 0,
      out: "",
      err: "no pending tasks on page 9\n",
    });
  });

  it("list, inspect, hold and release queues", async () => {
    const at = await open();
    await at.client.enqueue(new Task("report"));
    expect(await at.json("queue", "ls")).toEqual({ queues: [QUEUE] });
    expect(await at.json("queue", "list")).toEqual({ queues: [QUEUE] });
    const [inspected] = ((await at.json("queue", "inspect", "default")) as { queues: object[] }).queues;
    expect(inspected).toEqual({ ...QUEUE, memoryBytes: expect.toSatisfy((n) => n === null || n > 0) });
    const held = { queue: "default", paused: true };
    expect(await at.json("queue", "pause", "default")).toEqual({ queues: [{ ...held, changed: true }] });
    expect(await at.json("queue", "pause", "default")).toEqual({ queues: [{ ...held, changed: false }] });
    expect(await at.text("queue", "ls")).toMatch(/paused$/m);
    expect(await at.text("queue", "unpause", "default")).toBe("default runs again\n");
    expect(await at.text("queue", "resume", "default")).toBe("default was not paused\n");
  });

  it("tell what ended, day by day", async () => {
    const at = await open();
    await at.client.enqueue(new Task("report"));
    const today = {
      queue: "default",
      date: expect.stringMatching(/^\d{4}-\d\d-\d\d$/),
      processed: 0,
      failed: 0,
    };
    expect(await at.json("queue", "history", "default", "--days", "2")).toEqual({ history: [today, today] });
    expect(await at.text("queue", "history", "default")).toMatch(
      /^QUEUE +DAY +PROCESSED +FAILED +ERROR RATE\n/,
    );
  });

  it("remove queues: empty ones, and full ones only by force", async () => {
    const at = await open();
    await at.client.enqueue(new Task("report"));
    expect(await at.refusal("queue", "rm", "default", "--yes")).toMatchObject({
      code: 2,
      error: { code: "QUEUE_NOT_EMPTY", remedy: "--force deletes its tasks as well" },
    });
    expect(await at.json("queue", "remove", "default", "--force", "--yes")).toEqual({
      queues: [{ queue: "default", removed: true }],
    });
    expect(await at.inspector.queues()).toEqual([]);
  });

  it("run, archive and delete tasks by their ids", async () => {
    const at = await open();
    for (const taskId of ["one", "two"])
      await at.client.enqueue(new Task("report"), { taskId, processIn: "1h" });
    const q = ["-q", "default"];
    const done = (id: string) => ({ queue: "default", id, ok: true, error: null });
    expect(await at.json("task", "archive", "one", "two", ...q)).toEqual({
      tasks: [done("one"), done("two")],
    });
    expect(await at.json("task", "run", "--id", "one", ...q)).toEqual({ tasks: [done("one")] });
    const { code, out } = await at.run(["task", "delete", "one", "gone", ...q, "--yes", "--json"]);
    expect(JSON.parse(out)).toEqual({
      tasks: [
        done("one"),
        {
          queue: "default",
          id: "gone",
          ok: false,
          error: { code: "TASK_NOT_FOUND", message: 'queue "default" holds no task "gone"' },
        },
      ],
    });
    expect(code).toBe(1);
    expect(await at.run(["task", "rm", "two", "gone", ...q, "-y"])).toMatchObject({
      code: 1,
      out: "two is deleted\n",
      err: expect.stringContaining('titanqueue: queue "default" holds no task "gone"\n'),
    });
  });

  it("run, archive and delete all tasks of a state", async () => {
    const at = await open();
    for (let i = 0; i < 5; i += 1) await at.client.enqueue(new Task("report"), { processIn: "1h" });
    const all = (verb: string, state: string, ...more: string[]) =>
      at.json("task", verb, "-q", "default", "-s", state, "--yes", ...more);
    const answer = { queue: "default", group: null, changed: 5, total: 5, stopped: false };
    expect(await all("archiveall", "scheduled")).toEqual({
      ...answer,
      state: "scheduled",
      change: "archive",
    });
    expect(await all("run-all", "archived")).toEqual({ ...answer, state: "archived", change: "run" });
    expect(await all("delete_all", "pending", "--rate", "1000")).toEqual({
      ...answer,
      state: "pending",
      change: "delete",
    });
    expect(await at.text("task", "deleteall", "-q", "default", "-s", "pending", "-y")).toBe(
      "0 tasks are deleted\n",
    );
  });

  it("look at groups, and change the tasks of one", async () => {
    const at = await open();
    for (const group of ["a", "a", "b"]) await at.client.enqueue(new Task("note"), { group });
    expect(await at.json("group", "ls", "-q", "default")).toEqual({
      groups: [
        { queue: "default", group: "a", size: 2 },
        { queue: "default", group: "b", size: 1 },
      ],
    });
    const all = ["-q", "default", "-s", "aggregating", "--yes"];
    expect(await at.json("task", "deleteall", ...all, "-g", "a")).toMatchObject({ group: "a", changed: 2 });
    expect(await at.refusal("task", "deleteall", ...all)).toMatchObject({
      code: 2,
      error: { message: "which group? name it by --group" },
    });
  });

  it("cancel tasks, whatever they do", async () => {
    const at = await open();
    for (const taskId of ["one", "two"]) await at.client.enqueue(new Task("report"), { taskId });
    const q = ["-q", "default"];
    const answered = (id: string, answer: string) => ({ tasks: [{ queue: "default", id, answer }] });
    expect(await at.json("task", "cancel", "one", ...q)).toEqual(answered("one", "canceled"));
    expect(await at.json("task", "cancel", "one", ...q)).toEqual(answered("one", "finished"));
    expect(await at.text("task", "cancel", "two", ...q, "--then", "delete")).toBe("two is deleted\n");
    expect(await at.json("task", "cancel", "any")).toEqual({
      tasks: [{ queue: null, id: "any", answer: "asked" }],
    });
  });

  it("show a server that is alive, and what it runs", async () => {
    const at = await open();
    await liveServer(at);
    const server = {
      id: expect.any(String),
      host: hostname(),
      pid: process.pid,
      queues: { default: 3, low: 1 },
      concurrency: 7,
      lag: expect.any(Number),
      strictPriority: false,
      status: "active",
      startedAt: INSTANT,
      version: `titanqueue/${VERSION}`,
      workers: [
        {
          taskId: "one",
          queue: "default",
          type: "report",
          payload: { day: 1 },
          payloadBase64: null,
          startedAt: INSTANT,
          deadline: INSTANT,
        },
      ],
    };
    expect(await at.json("server", "ls")).toEqual({ servers: [server] });
    expect(await at.json("top")).toMatchObject({ queues: [{ active: 1 }], servers: [server] });
    expect(await at.json("stats")).toMatchObject({ servers: 1, workers: 1 });

    const name = `${hostname()}:${process.pid}`;
    const since = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/;
    const [titles, row, ...others] = (await at.text("server", "ls")).trimEnd().split("\n");
    expect(titles?.split(/ {2,}/)).toEqual(["HOST", "SINCE", "STATUS", "BUSY", "QUEUES", "VERSION"]);
    expect(row?.split(/ {2,}/)).toEqual([
      name,
      expect.stringMatching(since),
      "active",
      "1/7",
      "default:3 low:1",
      `titanqueue/${VERSION}`,
    ]);
    expect(others).toEqual([]);
    const [, worker] = (await at.text("server", "ls", "--workers")).split("\n");
    expect(worker?.split(/ {2,}/)).toEqual([
      name,
      "default",
      "report",
      "one",
      expect.stringMatching(since),
      '{"day":1}',
    ]);
  });

  it("sum up the store, list servers, and find no damage", async () => {
    const at = await open();
    await at.client.enqueue(new Task("report"));
    expect(await at.json("stats")).toEqual({
      store: at.url,
      totals: {
        ...{ active: 0, pending: 1, scheduled: 0, retry: 0, archived: 0, completed: 0, aggregating: 0 },
        ...{
          size: 1,
          processed: 0,
          failed: 0,
          processedTotal: 0,
          failedTotal: 0,
          latency: expect.any(Number),
        },
      },
      servers: 0,
      workers: 0,
      queues: [QUEUE],
    });
    expect(await at.text("stats")).toMatch(/^pending +1$/m);
    expect(await at.json("server", "ls")).toEqual({ servers: [] });
    expect(await at.json("fsck")).toEqual({
      repair: false,
      queues: ["default"],
      tasks: 1,
      found: 0,
      repaired: 0,
      counts: {},
      findings: [],
      stopped: false,
    });
    expect(await at.text("fsck", "default", "--repair", "--yes")).toBe(
      "1 task looked at, 0 findings, 0 repaired\n",
    );
  });

  it("find tasks, and change those that are found", async () => {
    const at = await open();
    for (const taskId of ["one", "two", "three"])
      await at.client.enqueue(new Task(taskId === "three" ? "other" : "report", { n: taskId }), { taskId });
    const page = { cursor: null, scanned: 3, total: 3 };
    const one = { ...TASK, payload: { n: "one" } };
    const search = (await at.run(["search", "type:rep*", "payload.n:one", "--json"])).out;
    expect(JSON.parse(search)).toEqual({ tasks: [one], ...page });
    const lines = (await at.run(["search", "type:*", "--limit", "1", "--jsonl"])).out.trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line).id).sort()).toEqual(["one", "three", "two"]);

    const matching = ["--filter", "type:report", "--yes"];
    const answer = { change: "archive", dryRun: false, matched: 2, changed: 2, total: 3, stopped: false };
    const sample = [expect.objectContaining({ type: "report" }), expect.objectContaining({ type: "report" })];
    expect(await at.json("task", "archiveall", ...matching, "--dry-run")).toEqual({
      ...answer,
      sample,
      dryRun: true,
      changed: 0,
    });
    expect(await at.json("task", "archiveall", ...matching)).toEqual({ ...answer, sample });
    expect(await at.json("redrive", "default", "--yes", "--limit", "1")).toMatchObject({
      change: "redrive",
      matched: 1,
      changed: 1,
    });
    expect(await at.text("redrive", "default", "--yes", "--filter", "id:*")).toBe(
      "1 of 1 matching tasks is pending again\n",
    );
    expect(await at.json("task", "deleteall", "--filter", "payload.n:one", "-y")).toMatchObject({
      changed: 1,
    });
  });

  it("look at periodic tasks", async () => {
    const at = await open();
    const scheduler = new Scheduler(at.url);
    const entry = await scheduler.register("@every 1h", new Task("beat", { n: 1 }, { queue: "low" }));
    await scheduler.start();
    try {
      expect(await at.json("cron", "ls")).toEqual({
        entries: [
          {
            id: entry,
            spec: "@every 1h",
            type: "beat",
            options: expect.arrayContaining(['Queue("low")']),
            stored: false,
            paused: false,
            schedulers: 1,
            queue: "low",
            payload: { n: 1 },
            payloadBase64: null,
            next: INSTANT,
            previous: null,
          },
        ],
      });
      expect(await at.json("cron", "history", entry)).toEqual({ events: [], page: 1, pageSize: 30 });
    } finally {
      await scheduler.shutdown();
    }
  });

  it("tell what the store needs, and what it does now", async () => {
    const at = await open();
    await at.client.enqueue(new Task("report"));
    const { code, out, err } = await at.run(["doctor", "--json"]);
    expect(JSON.parse(out)).toEqual({
      engine: expect.stringMatching(/^(redis|sqlite)$/),
      severity: "problem",
      advice: expect.arrayContaining([
        {
          code: "QUEUE_UNSERVED",
          severity: "problem",
          finding: "queue default has 1 tasks to run, and no server serves it",
          meaning: "They wait until one does.",
          remedy: 'start a server with queues: { "default": 1 }',
        },
      ]),
      facts: expect.any(Object),
    });
    expect([code, err]).toEqual([1, ""]);
    const rates = { processedPerSecond: null, failedPerSecond: null };
    expect(await at.json("top")).toEqual({ queues: [{ ...QUEUE, ...rates }], servers: [] });
  });
});
