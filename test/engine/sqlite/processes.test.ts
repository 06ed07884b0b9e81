import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { STATE } from "../../../src/engine/sqlite/schema.ts";
import { sqliteEngine } from "../../../src/engine/sqlite/sqlite-engine.ts";
import { silentLogger } from "../../../src/runtime/logger.ts";
import { counts, message } from "../../contract/tasks.ts";
import { sqliteProcess } from "../../support/sqlite-process.ts";
import { connect, directory } from "./sqlite-harness.ts";

const TIMEOUT = 120_000;

function fileAnd() {
  const file = join(directory(), "tasks.db");
  return { file, engine: sqliteEngine(file, { logger: silentLogger }) };
}

/** Whether this process has the lock by which others see that the file is in use, as Linux tells. */
function holdsLock(file: string): boolean {
  const { ino } = statSync(file);
  const lock = new RegExp(`POSIX +ADVISORY +READ +${process.pid} \\S+:${ino} `);
  return lock.test(readFileSync("/proc/locks", "utf8"));
}

/** What lies in the file, by state, once it was found sound. */
function idsIn(file: string): Record<"pending" | "active", Set<string>> {
  const database = connect(file);
  const ids = (state: number) =>
    new Set(
      (database.prepare("SELECT id FROM tasks WHERE state = ?").all(state) as { id: string }[]).map(
        ({ id }) => id,
      ),
    );
  expect(database.prepare("PRAGMA integrity_check").all()).toMatchObject([{ integrity_check: "ok" }]);
  const found = { pending: ids(STATE.pending), active: ids(STATE.active) };
  database.close();
  return found;
}

describe("a process that is killed within its transactions", () => {
  it(
    "loses no task that was stored",
    async () => {
      const { file } = fileAnd();
      const stored: string[] = [];
      for (let kill = 0; kill < 5; kill += 1) {
        const child = await sqliteProcess(file, { synchronous: "full" });
        child.tell({ do: "enqueueOn", queue: "q" });
        // Anywhere in the transactions that follow.
        await child.until(() => child.stored.length >= 3 * (210 + kill));
        await child.kill();
        stored.push(...child.stored);
        const { pending } = idsIn(file);
        expect(stored.filter((id) => !pending.has(id))).toEqual([]);
      }
      expect(stored.length).toBeGreaterThan(3 * 1_000);
    },
    TIMEOUT,
  );

  it(
    "loses no task that was not settled, and brings none back that was",
    async () => {
      const { file, engine } = fileAnd();
      const all = Array.from({ length: 3_000 }, () => message("q"));
      await engine.broker.enqueue(all.map((message) => ({ message })));
      const settled = new Set<string>();
      for (let kill = 0; kill < 3; kill += 1) {
        const child = await sqliteProcess(file);
        child.tell({ do: "workOn", queue: "q", limit: 2 });
        await child.until(() => child.settled.length >= 300 + kill);
        await child.kill();
        for (const id of child.settled) settled.add(id);
        const { pending, active } = idsIn(file);
        const gone = all.filter(({ id }) => !pending.has(id) && !active.has(id)).map(({ id }) => id);
        expect([...settled].filter((id) => pending.has(id) || active.has(id))).toEqual([]);
        // The last call of each may have been carried out without an answer.
        expect(gone.length - settled.size).toBeLessThanOrEqual(2 * (kill + 1));
      }
      await engine.close();
    },
    TIMEOUT,
  );
});

describe("four processes on one file", () => {
  it(
    "take every task once, and none of them starves",
    async () => {
      const { file, engine } = fileAnd();
      const tasks = Array.from({ length: 6_000 }, () => message("q"));
      await engine.broker.enqueue(tasks.map((message) => ({ message })));
      const children = await Promise.all([1, 2, 3, 4].map(() => sqliteProcess(file)));
      await Promise.all(children.map((child) => child.ask({ do: "open" })));
      await Promise.all(children.map((child) => child.ask({ do: "workOn", queue: "q", limit: 5 })));

      const taken = children.map(({ settled }) => settled.length);
      expect(taken.reduce((sum, each) => sum + each)).toBe(tasks.length);
      expect(new Set(children.flatMap(({ settled }) => settled))).toEqual(new Set(tasks.map(({ id }) => id)));
      expect(Math.min(...taken)).toBeGreaterThan(tasks.length / 4 / 10);
      expect(await counts(engine, "q")).toEqual({});
      await engine.close();
    },
    TIMEOUT,
  );

  it(
    "make a new file together",
    async () => {
      const { file, engine } = fileAnd();
      const children = await Promise.all([1, 2, 3, 4].map(() => sqliteProcess(file)));
      await Promise.all(children.map((child) => child.ask({ do: "enqueue", queue: "q" })));
      expect(await counts(engine, "q")).toEqual({ pending: 4 });
      await engine.close();
    },
    TIMEOUT,
  );
});

describe.runIf(process.platform === "linux")("several engines of one process", () => {
  it("leave each other the lock without which another process may remove the log under their feet", async () => {
    const { file, engine } = fileAnd();
    await engine.open();
    expect(holdsLock(file)).toBe(true);
    const another = sqliteEngine(file);
    await another.open();
    expect(holdsLock(file)).toBe(true);
    await another.close();
    expect(holdsLock(file)).toBe(true);
    await engine.close();
  });
});

describe("news from another process", () => {
  it(
    "wake a watch, and bring cancelations",
    async () => {
      const { file, engine } = fileAnd();
      const child = await sqliteProcess(file);
      const woken = new Promise((resolve) => engine.broker.watch(resolve).arm("q", "pending"));
      const canceled = new Promise<string>((resolve) => void engine.broker.subscribeCancelations(resolve));
      await engine.ping();
      await child.ask({ do: "enqueue", queue: "q" });
      expect(await woken).toBe("q");
      await child.ask({ do: "cancel", taskId: "task-1" });
      expect(await canceled).toBe("task-1");
      await engine.close();
    },
    TIMEOUT,
  );
});
