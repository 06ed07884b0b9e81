import { copyFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { STATE } from "../../../src/engine/sqlite/schema.ts";
import { createSqliteEngine, sqliteEngine } from "../../../src/engine/sqlite/sqlite-engine.ts";
import { InvalidOptionError } from "../../../src/errors.ts";
import { decodeServerInfo, decodeWorkerInfo, encodeTaskMessage } from "../../../src/protocol/codec.ts";
import { timestampOf } from "../../../src/protocol/timestamp.ts";
import { silentLogger } from "../../../src/runtime/logger.ts";
import {
  archive,
  counts,
  done,
  enqueued,
  ids,
  leasedOne,
  message,
  retry,
  running,
  settled,
  unique,
} from "../../contract/tasks.ts";
import { fakeRuntime } from "../../support/fake-runtime.ts";
import { observedDriver } from "./observed-driver.ts";
import { connect, directory, openSqlite, type SqliteHarness } from "./sqlite-harness.ts";

describe("sqliteEngine", () => {
  it("makes the file when it is first used, and finds everything there again", async () => {
    const file = join(directory(), "tasks.db");
    const first = sqliteEngine(file);
    expect(existsSync(file)).toBe(false);
    const id = await enqueued(first, "q");
    await first.close();

    const second = sqliteEngine(file);
    expect(ids((await second.broker.exchange("q", [], 1)).leased)).toEqual([id]);
    await second.close();
  });

  it("leaves everything in the one file when it is closed", async () => {
    const file = join(directory(), "tasks.db");
    const engine = sqliteEngine(file);
    const id = await enqueued(engine, "q");
    const copy = join(directory(), "copy.db");
    await engine.close();
    copyFileSync(file, copy);

    const copied = sqliteEngine(copy);
    expect((await leasedOne(copied, "q")).message.id).toBe(id);
    await copied.close();
  });

  it("goes by the clock that it is given", async () => {
    const runtime = fakeRuntime({ now: 1_234 });
    expect(sqliteEngine("tasks.db", { runtime }).broker.now()).toBe(1_234);
  });

  it.each([
    ["", "expected the path of a file"],
    [undefined, "expected the path of a file"],
    ["sqlite:tasks.db", "createEngine takes sqlite: URLs"],
    ["file:tasks.db", "expected a path, not a URL"],
    [":memory:", "memoryEngine() keeps tasks in the process"],
  ])("takes no file called %j", (file, text) => {
    expect(() => sqliteEngine(file as string)).toThrow(InvalidOptionError);
    expect(() => sqliteEngine(file as string)).toThrow(text);
  });

  it("knows two ways to be synchronous, and no others", () => {
    expect(() => sqliteEngine("tasks.db", { synchronous: "off" as never })).toThrow('"normal" or "full"');
    expect(() => sqliteEngine("tasks.db", { synchronus: "full" } as never)).toThrow(
      'did you mean "synchronous"',
    );
  });

  it.each([
    [undefined, 1],
    ["normal", 1],
    ["full", 2],
  ] as const)("tells SQLite how synchronous it is to be: %s", async (synchronous, level) => {
    const driver = observedDriver();
    const file = join(directory(), "tasks.db");
    const engine = createSqliteEngine(file, { synchronous }, { loadDriver: driver.loadDriver });
    await engine.open();
    expect(driver.ask("PRAGMA synchronous")).toEqual([{ synchronous: level }]);
    expect(driver.ask("PRAGMA journal_mode")).toEqual([{ journal_mode: "wal" }]);
    await engine.close();
  });

  it("loads no driver before it is used", async () => {
    let loaded = 0;
    const loadDriver = () => {
      loaded += 1;
      return Promise.reject(new Error("not here"));
    };
    const engine = createSqliteEngine("tasks.db", {}, { loadDriver });
    expect(loaded).toBe(0);
    await expect(engine.open()).rejects.toThrow("not here");
    await expect(engine.ping()).rejects.toThrow("not here");
    expect(loaded).toBe(2);
  });
});

describe("the SQLite engine, when the clock is set back", () => {
  it("does not leave a task to a lease that ends in the old time", async () => {
    const engine = await openSqlite();
    const attempt = await running(engine, "q");
    engine.setWall(engine.clock.now() - 3_600_000);

    expect(await engine.broker.listExpired("q", 10)).toEqual([]);
    await engine.clock.advance(62_000);
    expect(ids(await engine.broker.listExpired("q", 10))).toEqual([attempt.message.id]);
    await engine.close();
  });

  it("puts new tasks behind those that wait already", async () => {
    const engine = await openSqlite();
    const first = await enqueued(engine, "q");
    engine.setWall(engine.clock.now() - 3_600_000);
    const second = await enqueued(engine, "q");
    expect([(await leasedOne(engine, "q")).message.id, (await leasedOne(engine, "q")).message.id]).toEqual([
      first,
      second,
    ]);
    await engine.close();
  });
});

describe("the SQLite engine, given instants that are no whole milliseconds", () => {
  it("is never early", async () => {
    const engine = await openSqlite();
    const now = engine.clock.now();
    await enqueued(engine, "q", {}, { processAt: now + 1_000.25 });
    const attempt = await running(engine, "r");
    await settled(engine, attempt, retry(attempt, now + 1_000.25));
    for (const queue of ["q", "r"]) {
      expect(await engine.broker.forward(queue, 10)).toEqual({ moved: 0, nextDueAt: now + 1_001 });
    }
    await engine.close();
  });

  it("takes those that are further away than it can count for the last that it can", async () => {
    const engine = await openSqlite();
    const id = await enqueued(engine, "q", {}, { processAt: 1e300 });
    expect((await engine.inspection.taskInfo("q", id))?.nextProcessAt).toBe(Number.MAX_SAFE_INTEGER);
    await engine.close();
  });
});

describe("the SQLite engine, when an aggregation is not committed in time", () => {
  it("returns its members to their group, each in its old place", async () => {
    const engine = await openSqlite();
    const early = await enqueued(engine, "q", { groupKey: "g" });
    await engine.clock.advance(1_000);
    const late = await enqueued(engine, "q", { groupKey: "g" });
    engine.database.exec("UPDATE tasks SET state = 9, aggregation_set = 's'");
    const add = engine.database.prepare("INSERT INTO aggregation_sets VALUES ('q', 's', ?)");
    add.run(engine.clock.now() + 120_000);
    expect(await counts(engine, "q")).toEqual({});
    expect((await engine.inspection.taskInfo("q", late))?.state).toBe("aggregating");
    await engine.clock.advance(1_000);
    const joined = await enqueued(engine, "q", { groupKey: "g" });

    await engine.clock.advance(118_999);
    expect(await engine.broker.reclaimAggregationSets("q")).toBe(0);
    await engine.clock.advance(1);
    expect(await engine.broker.reclaimAggregationSets("q")).toBe(1);
    expect(await engine.broker.reclaimAggregationSets("q")).toBe(0);
    const listed = await engine.inspection.listTasks("q", "aggregating", { page: 0, size: 10, group: "g" });
    expect(ids(listed ?? [])).toEqual([early, late, joined]);
    await engine.close();
  });
});

describe("what the SQLite engine stores", () => {
  it("are messages as they lie in Redis, so that moving there is a copy", async () => {
    const engine = await openSqlite();
    const task = message("q", { headers: new Map([["trace", "abc"]]) });
    await engine.broker.enqueue([{ message: task }]);
    const { message: bytes } = engine.database.prepare("SELECT message FROM tasks").get() as {
      message: Uint8Array;
    };
    expect(Buffer.from(bytes).equals(encodeTaskMessage(task))).toBe(true);
    await engine.close();
  });

  it("is a message that belongs to another task no longer than until somebody wants to run it", async () => {
    const engine = await openSqlite();
    await engine.inject("q", "wrong-id", encodeTaskMessage(message("q", { id: "other" })));
    await engine.inject("q", "wrong-queue", encodeTaskMessage(message("elsewhere", { id: "wrong-queue" })));
    const { leased, quarantined } = await engine.broker.exchange("q", [], 5);
    expect(leased).toEqual([]);
    expect(quarantined).toEqual(["wrong-id", "wrong-queue"]);
    expect(await counts(engine, "q")).toEqual({ archived: 2 });
    await engine.close();
  });

  it("is which servers are there and what they run, until they fail to say so", async () => {
    const engine = await openSqlite();
    const info = (serverId: string) => ({
      host: "host-1",
      pid: 4_711,
      serverId,
      concurrency: 10,
      queues: new Map([["default", 1]]),
      strictPriority: false,
      status: "active" as const,
      startTime: timestampOf(1_700_000_000_000),
      activeWorkerCount: 1,
    });
    const worker = {
      host: "host-1",
      pid: 4_711,
      serverId: "a",
      taskId: "task",
      taskType: "email:welcome",
      taskPayload: Buffer.from("{}"),
      queue: "default",
      startTime: timestampOf(1_700_000_000_000),
      deadline: timestampOf(1_700_001_800_000),
    };
    const servers = () =>
      (engine.database.prepare("SELECT info FROM servers ORDER BY name").all() as { info: Uint8Array }[]).map(
        ({ info }) => decodeServerInfo(info).serverId,
      );
    const workers = () =>
      (engine.database.prepare("SELECT info FROM workers").all() as { info: Uint8Array }[]).map(
        ({ info }) => decodeWorkerInfo(info).taskId,
      );

    await engine.broker.writeServerState(info("a"), [worker, { ...worker, taskId: "second" }], 10_000);
    await engine.broker.writeServerState(info("a"), [worker], 10_000);
    expect([servers(), workers()]).toEqual([["a"], ["task"]]);
    await engine.clock.advance(10_000);
    await engine.broker.writeServerState(info("b"), [], 10_000);
    expect([servers(), workers()]).toEqual([["b"], []]);
    await engine.broker.clearServerState(info("b"));
    expect(servers()).toEqual([]);
    await engine.close();
  });

  it("forgets a lock with its task, and cancelations after a minute", async () => {
    const engine = await openSqlite();
    await engine.broker.enqueue([unique("q", "k")]);
    await settled(engine, await leasedOne(engine, "q"), done);
    expect(engine.database.prepare("SELECT * FROM tasks").all()).toEqual([]);

    const rows = () => engine.database.prepare("SELECT task_id FROM cancelations").all().length;
    await engine.broker.publishCancelation("one");
    await engine.clock.advance(59_999);
    await engine.broker.publishCancelation("two");
    expect(rows()).toBe(2);
    await engine.clock.advance(1);
    await engine.broker.publishCancelation("three");
    expect(rows()).toBe(2);
    await engine.close();
  });

  it("changes in place when a large task is leased: its message is not written again", async () => {
    const engine = await openSqlite();
    await enqueued(engine, "q", { payload: Buffer.alloc(1_000_000, "x") });
    const pages = () => {
      const { log } = {
        ...(engine.database.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get() as { log: number }),
      };
      return log;
    };
    expect(pages()).toBe(0);
    const attempt = await leasedOne(engine, "q");
    const { log } = engine.database.prepare("PRAGMA wal_checkpoint(PASSIVE)").get() as { log: number };
    expect(log).toBeLessThan(20);
    await settled(engine, attempt, archive(attempt));
    await engine.close();
  });
});

describe("the SQLite engine at a hundred thousand tasks", () => {
  it("takes them in, runs them and lets them go", async () => {
    const engine = await openSqlite();
    for (let from = 0; from < 100_000; from += 1_000) {
      const entries = Array.from({ length: 1_000 }, (_, i) => ({
        message: message("q"),
        ...(i % 2 === 0 && { processAt: engine.clock.now() + 1 + ((i * 7_919) % 50_000) }),
      }));
      await engine.broker.enqueue(entries);
    }
    expect(await counts(engine, "q")).toEqual({ pending: 50_000, scheduled: 50_000 });
    await engine.clock.advance(50_000);
    expect((await engine.broker.forward("q", 60_000)).moved).toBe(50_000);

    let { leased } = await engine.broker.exchange("q", [], 1_000);
    while (leased.length > 0) {
      const outcomes = leased.map((attempt, i) => ({
        leased: attempt,
        settlement: i === 0 ? archive(attempt) : done,
      }));
      ({ leased } = await engine.broker.exchange("q", outcomes, 1_000));
    }
    expect(await counts(engine, "q")).toEqual({ archived: 100 });
    await engine.close();
  }, 60_000);
});

describe("the file", () => {
  const pages = ({ database }: SqliteHarness) =>
    (database.prepare("PRAGMA page_count").get() as { page_count: number }).page_count;

  async function workOff(engine: SqliteHarness, tasks: number): Promise<void> {
    for (let from = 0; from < tasks; from += 500) {
      await engine.broker.enqueue(
        Array.from({ length: 500 }, () => ({ message: message("q", { payload: Buffer.alloc(3_000, "x") }) })),
      );
    }
    for (;;) {
      const { leased } = await engine.broker.exchange("q", [], 500);
      if (leased.length === 0) return;
      await engine.broker.exchange(
        "q",
        leased.map((attempt) => ({ leased: attempt, settlement: done })),
        0,
      );
    }
  }

  it("does not grow with the tasks that pass through it", async () => {
    const engine = await openSqlite();
    await workOff(engine, 500);
    const before = pages(engine);
    for (let round = 0; round < 10; round += 1) await workOff(engine, 500);
    expect(pages(engine)).toBeLessThan(before * 1.2);
    await engine.close();
  });

  it("gives back, piece by piece, what a backlog took", async () => {
    const engine = await openSqlite();
    await workOff(engine, 4_000);
    const before = pages(engine);
    expect(before).toBeGreaterThan(4_000);
    await engine.broker.deleteExpired("q", 10);
    // Pages that only keep account of others go with them.
    expect(before - pages(engine)).toBeGreaterThanOrEqual(1_000);
    expect(before - pages(engine)).toBeLessThan(1_010);
    for (let round = 0; round < 10; round += 1) await engine.broker.deleteExpired("q", 10);
    expect(pages(engine)).toBeLessThan(2_100);
    expect(pages(engine)).toBeGreaterThan(1_000);
    await engine.close();
  });
});

describe("two engines on one file", () => {
  it("give no two attempts the same token, also after the file was there before", async () => {
    const file = join(directory(), "tasks.db");
    const tokens = new Set<unknown>();
    for (let round = 0; round < 3; round += 1) {
      const engine = createSqliteEngine(file, { logger: silentLogger });
      await enqueued(engine, "q", { id: `task-${round}` });
      await leasedOne(engine, "q");
      await engine.close();
    }
    const database = connect(file);
    const rows = database.prepare("SELECT attempt, state FROM tasks").all() as {
      attempt: number;
      state: number;
    }[];
    for (const { attempt, state } of rows) {
      expect(state).toBe(STATE.active);
      expect(Number.isSafeInteger(attempt)).toBe(true);
      tokens.add(attempt);
    }
    expect(tokens.size).toBe(3);
    database.close();
  });
});
