import { renameSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Engine } from "../../../src/broker/engine.ts";
import { loadDriver } from "../../../src/engine/sqlite/driver.ts";
import { createSqliteEngine } from "../../../src/engine/sqlite/sqlite-engine.ts";
import { SQL } from "../../../src/engine/sqlite/statements.ts";
import { silentLogger } from "../../../src/runtime/logger.ts";
import {
  attempts,
  complete,
  counts,
  done,
  enqueued,
  leased,
  message,
  running,
  settled,
  unique,
} from "../../contract/tasks.ts";
import { fakeRuntime, settle } from "../../support/fake-runtime.ts";
import { type ObservedDriver, observedDriver, sqliteFailure } from "./observed-driver.ts";
import { connect, directory } from "./sqlite-harness.ts";

let engine: Engine;
let driver: ObservedDriver;
let file: string;
let clock: ReturnType<typeof fakeRuntime>["clock"];

beforeEach(async () => {
  file = join(directory(), "tasks.db");
  driver = observedDriver();
  const runtime = fakeRuntime();
  clock = runtime.clock;
  engine = createSqliteEngine(file, { runtime, logger: silentLogger }, { loadDriver: driver.loadDriver });
  await engine.open();
});

afterEach(() => engine.close());

/** Cannot be stored: a lock until no instant at all. */
const bad = () => unique("q", "bad", Number.NaN);
const good = () => ({ message: message("q") });

describe("the calls of one turn of the event loop", () => {
  it("are one transaction", async () => {
    const attempt = await running(engine, "q");
    const before = driver.runs(SQL.commit);
    await Promise.all([
      ...Array.from({ length: 20 }, () => enqueued(engine, "q")),
      engine.broker.exchange("q", [{ leased: attempt, settlement: done }], 1),
      engine.broker.forward("q", 10),
      engine.inspection.queueInfo("q"),
    ]);
    expect(driver.runs(SQL.commit)).toBe(before + 1);
  });

  it("are carried out in the order in which they were made", async () => {
    const [, first, , second] = await Promise.all([
      enqueued(engine, "q"),
      engine.broker.exchange("q", [], 5),
      enqueued(engine, "q"),
      engine.broker.exchange("q", [], 5),
    ]);
    expect([first.leased.length, second.leased.length]).toEqual([1, 1]);
  });

  it("take no lock when all of them only look", async () => {
    const writer = connect(file);
    writer.exec("BEGIN IMMEDIATE");
    expect(await counts(engine, "q")).toEqual({});
    writer.exec("ROLLBACK");
    writer.close();
  });

  it("fail each by itself", async () => {
    const [first, fails, second] = await Promise.allSettled([
      enqueued(engine, "q"),
      engine.broker.writeServerState({} as never, [], 1_000),
      enqueued(engine, "q"),
    ]);
    expect([first.status, fails.status, second.status]).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(await counts(engine, "q")).toEqual({ pending: 2 });
  });
});

describe("a call that fails", () => {
  it.each(["alone", "beside others"])("undoes what it had done, %s", async (where) => {
    const [one, two] = [await running(engine, "q"), await running(engine, "q")];
    const outcomes = [
      { leased: one, settlement: done },
      { leased: two, settlement: complete(two, clock.now() + 1_000, "no bytes" as never) },
    ];
    const calls: Promise<unknown>[] = [engine.broker.exchange("q", outcomes, 0)];
    if (where !== "alone") calls.push(enqueued(engine, "other"));
    const [failed] = await Promise.allSettled(calls);
    expect(failed).toMatchObject({ status: "rejected", reason: { code: "SQLITE_ERROR", inDoubt: false } });
    expect(await counts(engine, "q")).toEqual({ active: 2 });
    expect(await attempts(engine, "q")).toEqual({ processed: 0, failed: 0 });
    expect(await counts(engine, "other")).toEqual(where === "alone" ? {} : { pending: 1 });

    expect(await settled(engine, one, done)).toBe("settled");
    expect(await attempts(engine, "q")).toEqual({ processed: 1, failed: 0 });
  });

  it("may end the transaction without harm to its neighbours", async () => {
    const { page_count: pages } = connect(file).prepare("PRAGMA page_count").get() as { page_count: number };
    driver.exec(`PRAGMA max_page_count = ${pages + 20}`);
    const large = () =>
      engine.broker.enqueue([{ message: message("q", { payload: Buffer.alloc(200_000) }) }]);
    const calls = [enqueued(engine, "q"), large(), enqueued(engine, "q"), large(), enqueued(engine, "q")];
    const [, first, , second] = await Promise.all(calls);
    expect(first).toMatchObject([{ status: "failed", error: { code: "SQLITE_FULL", file } }]);
    expect(second).toMatchObject([{ status: "failed", error: { code: "SQLITE_FULL" } }]);
    expect(await counts(engine, "q")).toEqual({ pending: 3 });

    driver.exec("PRAGMA max_page_count = 100000");
    expect(await large()).toEqual([{ status: "enqueued", state: "pending" }]);
  });
});

describe("an entry that cannot be stored", () => {
  it("fails without the others of its call", async () => {
    const answers = await engine.broker.enqueue([good(), bad(), good()]);
    expect(answers).toMatchObject([
      { status: "enqueued" },
      { status: "failed", error: { code: "SQLITE_ERROR" } },
      { status: "enqueued" },
    ]);
    expect(await counts(engine, "q")).toEqual({ pending: 2 });
  });

  it("fails without other calls of its turn", async () => {
    const [mixed, other] = await Promise.all([
      engine.broker.enqueue([bad(), good()]),
      engine.broker.enqueue([good()]),
    ]);
    expect(mixed.map(({ status }) => status)).toEqual(["failed", "enqueued"]);
    expect(other.map(({ status }) => status)).toEqual(["enqueued"]);
  });
});

describe("a commit that the disk leaves in doubt", () => {
  const fault = () => {
    throw sqliteFailure(1_034, "disk I/O error");
  };

  it("is told as such, with the ids to ask for", async () => {
    const task = message("q");
    driver.after(SQL.commit, fault);
    const answers = await engine.broker.enqueue([{ message: task }, good()]);
    expect(answers).toMatchObject([
      { status: "failed", error: { code: "AMBIGUOUS_ENQUEUE", queue: "q", taskId: task.id } },
      { status: "failed", error: { code: "AMBIGUOUS_ENQUEUE" } },
    ]);
    expect(await engine.broker.enqueue([{ message: task }])).toEqual([{ status: "conflict" }]);
  });

  it("fails an exchange, whose outcomes may be sent again", async () => {
    const attempt = await running(engine, "q");
    const outcome = { leased: attempt, settlement: done };
    driver.after(SQL.commit, fault);
    await expect(engine.broker.exchange("q", [outcome], 0)).rejects.toMatchObject({
      code: "SQLITE_ERROR",
      inDoubt: true,
    });
    const { answers } = await engine.broker.exchange("q", [{ ...outcome, repeated: true }], 0);
    expect(answers).toEqual(["gone"]);
    expect(await attempts(engine, "q")).toEqual({ processed: 1, failed: 0 });
  });

  it("is also one after which the file cannot be looked for", async () => {
    const [attempt, away] = [await running(engine, "q"), join(directory(), "tasks.db")];
    const outcome = { leased: attempt, settlement: done };
    driver.after(SQL.commit, () => {
      renameSync(file, away);
      // Leads to itself: an error for everybody, while missing permission is none for root.
      symlinkSync(file, file);
    });
    await expect(engine.broker.exchange("q", [outcome], 0)).rejects.toMatchObject({
      code: "SQLITE_ERROR",
      inDoubt: true,
      file,
      cause: { code: "ELOOP" },
    });
    rmSync(file);
    renameSync(away, file);
    const { answers } = await engine.broker.exchange("q", [{ ...outcome, repeated: true }], 0);
    expect(answers).toEqual(["gone"]);
  });

  it("is none when the disk was full", async () => {
    driver.after(SQL.commit, () => {
      throw sqliteFailure(13, "database or disk is full");
    });
    expect(await engine.broker.enqueue([good()])).toMatchObject([
      { status: "failed", error: { code: "SQLITE_FULL" } },
    ]);
  });
});

describe("a file that another process has locked", () => {
  it("is waited for, and the process goes on", async () => {
    const writer = connect(file);
    writer.exec("BEGIN IMMEDIATE");
    const calls = [enqueued(engine, "q"), enqueued(engine, "q")];
    await clock.advance(1_000);
    writer.exec("COMMIT");
    await clock.advance(3);
    await Promise.all(calls);
    expect((await leased(engine, "q", 2)).length).toBe(2);
    writer.close();
  });

  it("is read meanwhile", async () => {
    await enqueued(engine, "q");
    const writer = connect(file);
    writer.exec("BEGIN IMMEDIATE; DELETE FROM tasks");
    expect(await counts(engine, "q")).toEqual({ pending: 1 });
    writer.exec("ROLLBACK");
    writer.close();
  });

  it("is waited for as long as a call may take, and no longer", async () => {
    const writer = connect(file);
    writer.exec("BEGIN IMMEDIATE");
    const early = engine.broker.enqueue([good()]);
    await clock.advance(4_000);
    const late = engine.broker.enqueue([good()]);
    await clock.advance(1_010);
    expect(await early).toMatchObject([{ status: "failed", error: { code: "ENGINE_UNAVAILABLE" } }]);
    writer.exec("COMMIT");
    await clock.advance(3);
    expect(await late).toMatchObject([{ status: "enqueued" }]);
    expect(await counts(engine, "q")).toEqual({ pending: 1 });
    writer.close();
  });

  it("is waited for no longer than the caller cares", async () => {
    const writer = connect(file);
    writer.exec("BEGIN IMMEDIATE");
    const caller = new AbortController();
    const [given, other] = [
      engine.broker.enqueue([good()], { signal: caller.signal }),
      engine.broker.enqueue([good()]),
    ];
    await clock.advance(100);
    caller.abort(new Error("enough"));
    await clock.advance(3);
    expect(await given).toMatchObject([
      { status: "failed", error: { code: "ENGINE_UNAVAILABLE", cause: { message: "enough" } } },
    ]);
    writer.exec("COMMIT");
    await clock.advance(3);
    expect(await other).toMatchObject([{ status: "enqueued" }]);
    expect(await counts(engine, "q")).toEqual({ pending: 1 });
    writer.close();
  });

  it("is not waited for once the engine is closed", async () => {
    const writer = connect(file);
    writer.exec("BEGIN IMMEDIATE");
    const call = engine.broker.forward("q", 1);
    const outcome = expect(call).rejects.toMatchObject({ code: "CLOSED" });
    await settle();
    await engine.close();
    await outcome;
    expect(clock.pendingTimers).toBe(0);
    writer.exec("ROLLBACK");
    writer.close();
  });

  it("is opened when it is free again", async () => {
    const fresh = join(directory(), "fresh.db");
    const writer = connect(fresh);
    writer.exec("BEGIN EXCLUSIVE");
    const runtime = fakeRuntime();
    const other = createSqliteEngine(fresh, { runtime, logger: silentLogger });
    const opening = other.open();
    // The driver comes in its own time.
    await loadDriver();
    await runtime.clock.advance(1_000);
    expect(runtime.clock.pendingTimers).toBe(1);
    writer.exec("COMMIT");
    await runtime.clock.advance(3);
    await opening;
    expect(await counts(other, "q")).toEqual({});
    await other.close();
    writer.close();
  });
});
