import { describe, expect, it } from "vitest";
import type { SqliteDatabase } from "../../../src/engine/sqlite/driver.ts";
import { SQL } from "../../../src/engine/sqlite/statements.ts";
import { openSqlite } from "./sqlite-harness.ts";

/** Nothing to plan. */
const BARE = /^(BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|PRAGMA|SELECT total_changes)/;
/** Tables of a few rows, read from one end to the other. */
const SMALL = new Set(["queues", "schedules", "servers", "expiredServers", "forget"]);

describe("a statement of the SQLite engine", () => {
  it.each(Object.entries(SQL).filter(([name, sql]) => !BARE.test(sql) && !SMALL.has(name)))(
    "reads no table from one end to the other, and sorts nothing: %s",
    async (_name, sql) => {
      const engine = await openSqlite();
      const plan = engine.database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all() as { detail: string }[];
      const details = plan.map(({ detail }) => detail).join("; ");
      expect(details.replace("SCAN CONSTANT ROW", "")).not.toMatch(/SCAN|TEMP B-TREE/);
      await engine.close();
    },
  );

  it.each([
    ["find", "task_by_id (queue=? AND id=?)"],
    ["slice", "task_by_state (queue=? AND state=?)"],
    ["sliceWithMessages", "task_by_state (queue=? AND state=?)"],
    ["sliceGroup", "task_by_group (queue=? AND group_key=? AND state=?)"],
    ["lock", "task_by_lock (queue=? AND unique_key=? AND locked_until>?)"],
    ["reclaimSet", "task_by_set (queue=? AND aggregation_set=?)"],
    ["removeWorkers", "worker_by_server (server=?)"],
  ] as const)("finds by the index that was made for it: %s", async (name, index) => {
    const engine = await openSqlite();
    const [first] = engine.database.prepare(`EXPLAIN QUERY PLAN ${SQL[name]}`).all() as { detail: string }[];
    expect(first?.detail).toContain(index);
    await engine.close();
  });

  it.each(Object.entries(SQL).filter(([, sql]) => !BARE.test(sql) && !sql.startsWith("INSERT")))(
    "is prepared once, whatever is bound to it: %s",
    async (_name, sql) => {
      const engine = await openSqlite();
      const database: SqliteDatabase & { setAuthorizer?(allow: () => number): void } = engine.database;
      let prepared = 0;
      // SQLite asks whenever it prepares. Newer Nodes and the package let us listen.
      database.setAuthorizer?.(() => {
        prepared += 1;
        return 0;
      });
      const statement = database.prepare(sql);
      const run = (value: number) => statement.all(...Array.from({ length: parametersOf(sql) }, () => value));
      run(1);
      prepared = 0;
      for (const value of [2, 3]) run(value);
      expect(prepared).toBe(0);
      await engine.close();
    },
  );
});

function parametersOf(sql: string): number {
  const numbered = [...sql.matchAll(/\?(\d)/g)].map(([, number]) => Number(number));
  return Math.max((sql.match(/\?(?!\d)/g) ?? []).length, ...numbered);
}
