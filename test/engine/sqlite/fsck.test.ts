import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { afterEach, expect, it } from "vitest";
import type { Finding, FindingCode } from "../../../src/broker/repair.ts";
import { enqueued, leasedOne } from "../../contract/tasks.ts";
import { openSqlite, type SqliteHarness } from "./sqlite-harness.ts";

const opened: SqliteHarness[] = [];
async function open(): Promise<SqliteHarness> {
  const harness = await openSqlite();
  opened.push(harness);
  return harness;
}
afterEach(async () => {
  for (const harness of opened.splice(0)) await harness.engine.close();
});

async function fsck({ engine }: SqliteHarness, repair: boolean): Promise<Finding[]> {
  const findings: Finding[] = [];
  const call = { queues: undefined, repair, signal: undefined, onProgress: () => undefined };
  await engine.repair.fsck({ ...call, onFinding: (finding) => findings.push(finding) });
  return findings;
}

const damages: readonly [what: string, code: FindingCode, sql: string, state: string][] = [
  ["a state that does not exist", "WRONG_STATE", "UPDATE tasks SET state = 77 WHERE id = 't'", "archived"],
  [
    "a member of an aggregation set that is not listed",
    "SET_NOT_LISTED",
    "UPDATE tasks SET state = 9, group_key = 'g', aggregation_set = 's' WHERE id = 't'",
    "aggregating",
  ],
  ["a member of no group", "WRONG_GROUP", "UPDATE tasks SET state = 8 WHERE id = 't'", "pending"],
  [
    "a lease without end",
    "LEASE_TOO_LONG",
    "UPDATE tasks SET state = 3, score = 9000000000000 WHERE id = 't'",
    "active",
  ],
  ["a lock of nothing", "LOCK_LEAKED", "UPDATE tasks SET locked_until = 9 WHERE id = 't'", "pending"],
  [
    "an aggregation set without tasks",
    "SET_MISSING",
    "INSERT INTO aggregation_sets VALUES ('q', 's', 1)",
    "pending",
  ],
  ["a queue that is not listed", "QUEUE_NOT_LISTED", "DELETE FROM queues", "pending"],
];

it.each(damages)("finds and mends %s", async (_what, code, sql, state) => {
  const harness = await open();
  await enqueued(harness, "q", { id: "t" });
  harness.database.exec(sql);
  expect((await fsck(harness, false)).map((finding) => [finding.code, finding.repaired])).toEqual([
    [code, undefined],
  ]);
  const [mended] = await fsck(harness, true);
  expect(mended).toMatchObject({ code, queue: "q", repaired: expect.stringMatching(/./) });
  expect(await fsck(harness, true)).toEqual([]);
  expect((await harness.inspection.taskInfo("q", "t"))?.state).toBe(state);
});

it("only reports a message that nobody can read", async () => {
  const harness = await open();
  await harness.inject("q", "noise", Buffer.from([0xff]));
  for (let i = 0; i < 2; i += 1) {
    const [finding] = await fsck(harness, true);
    expect(finding).toMatchObject({ code: "UNDECODABLE", subject: "noise" });
    expect(finding).not.toHaveProperty("repaired");
  }
});

it("builds indexes anew that do not agree with their table", async () => {
  const harness = await open();
  for (let i = 0; i < 10; i += 1) await enqueued(harness, "q");
  const { rootpage } = harness.database
    .prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'task_by_state'")
    .get() as { rootpage: number };
  const { page_size: size } = harness.database.prepare("PRAGMA page_size").get() as { page_size: number };
  await harness.engine.close();
  harness.database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  harness.database.close();
  forgetOneEntry(harness.file, (rootpage - 1) * size);
  await harness.engine.open();
  const seen = await fsck(harness, false);
  expect(new Set(seen.map(({ code }) => code))).toEqual(new Set(["FILE_DAMAGED"]));
  expect((await fsck(harness, true))[0]).toMatchObject({ repaired: "indexes built anew" });
  expect(await fsck(harness, true)).toEqual([]);
  expect((await leasedOne(harness, "q")).message.queue).toBe("q");
});

/** Takes one from the number of entries in a page's header. */
function forgetOneEntry(file: string, page: number): void {
  const descriptor = openSync(file, "r+");
  const count = Buffer.alloc(2);
  readSync(descriptor, count, 0, 2, page + 3);
  count.writeUInt16BE(count.readUInt16BE() - 1);
  writeSync(descriptor, count, 0, 2, page + 3);
  closeSync(descriptor);
}
