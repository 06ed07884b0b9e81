import { existsSync, renameSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { QueueWatch, WatchKind } from "../../../src/broker/broker.ts";
import { createSqliteEngine, sqliteEngine } from "../../../src/engine/sqlite/sqlite-engine.ts";
import { SQL } from "../../../src/engine/sqlite/statements.ts";
import { encodeTaskMessage } from "../../../src/protocol/codec.ts";
import { silentLogger } from "../../../src/runtime/logger.ts";
import { EngineState } from "../../../src/server/engine-state.ts";
import { ServerEvents } from "../../../src/server/events.ts";
import { forwarder } from "../../../src/server/forwarder.ts";
import { enqueued, forwardAll, leasedOne, message } from "../../contract/tasks.ts";
import { fakeRuntime, settle } from "../../support/fake-runtime.ts";
import { observedDriver, sqliteFailure } from "./observed-driver.ts";
import { connect, directory, openSqlite, type SqliteHarness } from "./sqlite-harness.ts";

/** How late, in milliseconds, a watch may notice what another process has done. */
const SOON = 50;

/** Writes through a connection of the test's own, which tells nobody, as another process would. */
async function injected(
  { inject }: SqliteHarness,
  queue: string,
  state: "pending" | "scheduled",
): Promise<void> {
  const task = message(queue);
  await inject(queue, task.id, encodeTaskMessage(task), state);
}

describe("what another process writes", () => {
  it("wakes a watch within 50 ms", async () => {
    const engine = await openSqlite();
    const woken: string[] = [];
    const watch = engine.broker.watch((queue, kind) => woken.push(`${kind}:${queue}`));
    watch.arm("q", "pending");
    watch.arm("q", "delayed");
    await engine.clock.advance(10_000);
    expect(woken).toEqual([]);
    expect(watch.live).toBe(true);

    await injected(engine, "q", "pending");
    await engine.clock.advance(SOON);
    expect(woken).toEqual(["pending:q"]);
    await injected(engine, "q", "scheduled");
    await engine.clock.advance(SOON);
    expect(woken).toEqual(["pending:q", "delayed:q"]);
    await watch.close();
    await engine.close();
  });

  it("reaches those who listen for cancelations within 50 ms, once and in order", async () => {
    const engine = await openSqlite();
    const cancel = engine.database.prepare("INSERT INTO cancelations (task_id, at) VALUES (?, 0)");
    cancel.run("before");
    const heard: string[] = [];
    await engine.broker.subscribeCancelations((taskId) => heard.push(taskId));
    cancel.run("one");
    cancel.run("two");
    await engine.clock.advance(SOON);
    cancel.run("three");
    await engine.clock.advance(10 * SOON);
    expect(heard).toEqual(["one", "two", "three"]);
    await engine.close();
  });

  it("is told sooner where there were news a moment ago", async () => {
    const engine = await openSqlite();
    const woken: string[] = [];
    const watch = engine.broker.watch((queue) => woken.push(queue));
    watch.arm("q", "pending");
    await engine.clock.advance(1_000);
    for (let round = 1; round < 5; round += 1) {
      await injected(engine, "q", "pending");
      await engine.clock.advance(round === 1 ? SOON : 10);
      expect(woken).toHaveLength(round);
      engine.database.exec("DELETE FROM tasks");
      await engine.clock.advance(10);
      watch.arm("q", "pending");
      await engine.clock.advance(300);
    }
    await engine.close();
  });

  it("is looked for at most 30 times a second in a process that is idle", async () => {
    const driver = observedDriver();
    const runtime = fakeRuntime();
    const file = join(directory(), "tasks.db");
    const engine = createSqliteEngine(file, { runtime }, { loadDriver: driver.loadDriver });
    await engine.broker.subscribeCancelations(() => undefined);
    await runtime.clock.advance(10_000);
    const before = driver.runs(SQL.dataVersion);
    await runtime.clock.advance(10_000);
    expect(driver.runs(SQL.dataVersion) - before).toBeLessThanOrEqual(300);
    await engine.close();
  });

  it("is not looked for where nobody waits", async () => {
    const engine = await openSqlite();
    const watch = engine.broker.watch(() => undefined);
    const end = await engine.broker.subscribeCancelations(() => undefined);
    watch.arm("q", "pending");
    await settle();
    expect(engine.clock.pendingTimers).toBe(1);
    await end();
    await watch.close();
    await engine.clock.advance(SOON);
    expect(engine.clock.pendingTimers).toBe(0);
    await engine.close();
  });
});

describe("what another engine of this process writes", () => {
  it("wakes a watch without any time passing", async () => {
    const engine = await openSqlite();
    const other = await engine.another();
    const woken: string[] = [];
    const watch = engine.broker.watch((queue) => woken.push(queue));
    watch.arm("q", "pending");
    await enqueued(other, "q");
    await settle();
    expect(woken).toEqual(["q"]);
    await engine.close();
  });

  it("is news also where the file goes by another name", async () => {
    const engine = await openSqlite();
    const roundabout = sqliteEngine(engine.file.replace("tasks.db", "./././tasks.db"), {
      logger: silentLogger,
    });
    const woken: string[] = [];
    engine.broker.watch((queue) => woken.push(queue)).arm("q", "pending");
    await enqueued(roundabout, "q");
    await settle();
    expect(woken).toEqual(["q"]);
    await roundabout.close();
    await engine.close();
  });
});

describe("a watch on delayed tasks", () => {
  it("wakes for the first one also after an earlier one has gone", async () => {
    const engine = await openSqlite();
    const now = engine.clock.now();
    const woken: string[] = [];
    await enqueued(engine, "q", {}, { processAt: now + 1_000 });
    const watch = engine.broker.watch((queue, kind) => woken.push(`${kind}:${queue}`));
    watch.arm("q", "delayed");
    await engine.clock.advance(1_000);
    await forwardAll(engine, "q");
    await leasedOne(engine, "q");
    await enqueued(engine, "q", {}, { processAt: now + 60_000 });
    await settle();
    expect(woken).toEqual(["delayed:q"]);
    await engine.close();
  });

  it("does not wake for one that is later than another", async () => {
    const engine = await openSqlite();
    const now = engine.clock.now();
    const woken: string[] = [];
    await enqueued(engine, "q", {}, { processAt: now + 1_000 });
    engine.broker.watch((queue) => woken.push(queue)).arm("q", "delayed");
    await enqueued(engine, "q", {}, { processAt: now + 2_000 });
    await settle();
    expect(woken).toEqual([]);
    await engine.close();
  });

  it("knows what lay there when it was armed, not when it first looked", async () => {
    const engine = await openSqlite();
    const now = engine.clock.now();
    const woken: string[] = [];
    const watch = engine.broker.watch((queue) => woken.push(queue));
    watch.arm("q", "delayed");
    const call = enqueued(engine, "q", {}, { processAt: now + 1_000 });
    await call;
    await settle();
    expect(woken).toEqual(["q"]);
    await engine.close();
  });
});

describe("news, when the file cannot be read", () => {
  it("are no longer live: all who wait are woken, to find out by themselves, until the file is back", async () => {
    const engine = await openSqlite();
    const other = await engine.another();
    const woken: string[] = [];
    const watch = other.broker.watch((queue) => woken.push(queue));
    watch.arm("q", "pending");
    await settle();
    expect(watch.live).toBe(true);

    engine.database.exec("ALTER TABLE tasks RENAME TO gone");
    await engine.clock.advance(SOON);
    expect(watch.live).toBe(false);
    expect(woken).toEqual(["q"]);

    engine.database.exec("ALTER TABLE gone RENAME TO tasks");
    watch.arm("q", "pending");
    await engine.clock.advance(1_000);
    expect(watch.live).toBe(true);
    expect(woken).toEqual(["q"]);
    await enqueued(engine, "q");
    await settle();
    expect(woken).toEqual(["q", "q"]);
    await engine.close();
  });
});

/** An engine whose watches arm again whenever they are woken, and whose file is then taken away. */
async function lostFile(kind: WatchKind) {
  const driver = observedDriver();
  const runtime = fakeRuntime();
  const file = join(directory(), "tasks.db");
  const options = { runtime, logger: silentLogger };
  const engine = createSqliteEngine(file, options, { loadDriver: driver.loadDriver });
  await engine.open();
  const woken: string[] = [];
  const watch = engine.broker.watch((queue, kind) => {
    woken.push(queue);
    watch.arm(queue, kind);
  });
  watch.arm("q", kind);
  await settle();
  const away = join(directory(), "tasks.db");
  const move = (from: string, to: string) => {
    for (const end of ["", "-wal", "-shm"]) if (existsSync(from + end)) renameSync(from + end, to + end);
  };
  move(file, away);
  // The call that notices.
  await expect(engine.inspection.queues()).rejects.toMatchObject({ code: "SQLITE_FILE_GONE" });
  return { engine, runtime, woken, watch, putBack: () => move(away, file) };
}

describe("news of a file that is gone", () => {
  it("wake a watch once, also one that is armed again at once", async () => {
    const { engine, runtime, woken, watch } = await lostFile("pending");
    await runtime.clock.advance(10_000);
    expect(woken).toEqual(["q"]);
    expect(watch.live).toBe(false);
    await engine.close();
  });

  it("are looked for four times a second", async () => {
    const { engine, runtime } = await lostFile("pending");
    await runtime.clock.advance(1_000);
    let timers = 0;
    const { clock } = runtime;
    const setTimer = clock.setTimer.bind(clock);
    clock.setTimer = (ms, callback) => {
      timers += 1;
      return setTimer(ms, callback);
    };
    await clock.advance(10_000);
    expect(timers).toBe(40);
    await engine.close();
  });

  it("are live again soon after it is back, and what has come is told", async () => {
    const { engine, runtime, woken, watch, putBack } = await lostFile("pending");
    await runtime.clock.advance(10_000);
    putBack();
    await runtime.clock.advance(250);
    expect(watch.live).toBe(true);
    expect(woken).toEqual(["q"]);
    await enqueued(engine, "q");
    await settle();
    expect(woken).not.toEqual(["q"]);
    await engine.close();
  });

  it("let whoever waits for delayed tasks look once it is back: some may have come meanwhile", async () => {
    const { engine, runtime, woken, putBack } = await lostFile("delayed");
    await runtime.clock.advance(10_000);
    putBack();
    await runtime.clock.advance(1_000);
    expect(woken).toEqual(["q", "q"]);
    await engine.close();
  });

  it("do not have a server complain more often than it polls", async () => {
    const { engine, runtime } = await lostFile("pending");
    const errors: string[] = [];
    const logger = { ...silentLogger, error: (_fields: object, text: string) => errors.push(text) };
    let watch: QueueWatch | undefined;
    const state = new EngineState(new ServerEvents(silentLogger), silentLogger, runtime.clock);
    const part = forwarder({
      broker: engine.broker,
      queues: ["q"],
      interval: () => 5_000,
      watch: (queue) => watch?.arm(queue, "delayed"),
      engineState: state,
      runtime,
      logger,
    });
    watch = engine.broker.watch(() => part.wake());
    await part.start();
    await runtime.clock.advance(20_000);
    expect(errors.length).toBeGreaterThan(0);
    expect(errors.length).toBeLessThanOrEqual(6);
    await part.stop();
    await engine.close();
  });
});

describe("a look whose transaction fails", () => {
  async function observed() {
    const driver = observedDriver();
    const runtime = fakeRuntime();
    const file = join(directory(), "tasks.db");
    const options = { runtime, logger: silentLogger };
    const engine = createSqliteEngine(file, options, { loadDriver: driver.loadDriver });
    await engine.open();
    return { engine, driver, clock: runtime.clock, database: connect(file) };
  }
  const fail = () => {
    throw sqliteFailure(13, "database or disk is full");
  };

  it("costs no cancelation", async () => {
    const { engine, driver, clock, database } = await observed();
    const heard: string[] = [];
    await engine.broker.subscribeCancelations((taskId) => heard.push(taskId));
    await clock.advance(SOON);
    const before = driver.runs(SQL.commit);
    driver.after(SQL.commit, fail);
    database.exec("INSERT INTO cancelations (task_id, at) VALUES ('one', 0)");
    await clock.advance(1_000);
    expect(driver.runs(SQL.commit)).toBeGreaterThan(before + 1);
    expect(heard).toEqual(["one"]);
    database.close();
    await engine.close();
  });

  it("costs no news of a group", async () => {
    const { engine, driver, clock, database } = await observed();
    const woken: string[] = [];
    const watch = engine.broker.watch((queue) => woken.push(queue));
    watch.arm("q", "groups");
    await clock.advance(SOON);
    // The new task and the look are in one transaction, which has to be run again after both.
    driver.after(SQL.releasePoint, () => {
      driver.after(SQL.releasePoint, () => {
        // The second time it joins no later than the first.
        clock.setWall(now - 10);
        throw sqliteFailure(5, "database is locked");
      });
    });
    const now = clock.now();
    const call = enqueued(engine, "q", { groupKey: "g" });
    watch.arm("q", "groups");
    await clock.advance(SOON);
    await call;
    expect(woken).toEqual(["q"]);
    database.close();
    await engine.close();
  });
});

describe("listening to the SQLite engine", () => {
  it("ends with the engine", async () => {
    const engine = await openSqlite();
    const other = await engine.another();
    const seen: string[] = [];
    const watch = other.broker.watch((queue) => seen.push(queue));
    watch.arm("q", "pending");
    await other.broker.subscribeCancelations((taskId) => seen.push(taskId));
    await other.close();
    await enqueued(engine, "q");
    await engine.broker.publishCancelation("id");
    await engine.clock.advance(1_000);
    expect(seen).toEqual([]);
    expect(() => other.broker.watch(() => undefined)).toThrow("closed");
    await expect(other.broker.subscribeCancelations(() => undefined)).rejects.toMatchObject({
      code: "CLOSED",
    });
    expect(engine.clock.pendingTimers).toBe(0);
    await engine.close();
  });
});
