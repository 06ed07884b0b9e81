import { join } from "node:path";
import { expect, it } from "vitest";
import { migrate } from "../../../src/engine/sqlite/migrate.ts";
import { MIGRATIONS } from "../../../src/engine/sqlite/schema.ts";
import { sqliteEngine } from "../../../src/engine/sqlite/sqlite-engine.ts";
import { message } from "../../contract/tasks.ts";
import { connect, directory } from "./sqlite-harness.ts";

it("schedules on a file that was made before there was a scheduler", async () => {
  const file = join(directory(), "tasks.db");
  const before = connect(file);
  migrate(before, file, MIGRATIONS.slice(0, 1));
  before.exec("INSERT INTO queues VALUES ('old', 1, 0)");
  before.close();

  const engine = sqliteEngine(file);
  expect(await engine.inspection.queues()).toEqual(["old"]);
  await engine.schedules.putEntry({ id: "a", definition: "x" });
  expect(await engine.schedules.storedSchedules()).toMatchObject({ version: 1, entries: [{ id: "a" }] });
  const at = Math.floor(engine.broker.now() / 1_000) * 1_000;
  const tick = {
    entryId: "a",
    at,
    task: { message: message("new") },
    memory: 60_000,
    startedAt: at,
    digest: "0",
    claimUntil: at,
  };
  expect(await engine.schedules.enqueueTick(tick)).toMatchObject({ status: "used" });
  expect((await engine.inspection.queues()).sort()).toEqual(["new", "old"]);
  await engine.close();
});
