import { copyFileSync, existsSync, readFileSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { sqliteProcess } from "../../support/sqlite-process.ts";
import { connect, directory } from "./sqlite-harness.ts";

const POINTS = 25;

/**
 * What a disk would show after the power went: the files as they are between two instructions of the process, without
 * what was written to the log after its last commit, which nobody was told of.
 */
function afterPowerLoss(file: string, copy: string): void {
  copyFileSync(file, copy);
  if (!existsSync(`${file}-wal`)) return;
  copyFileSync(`${file}-wal`, `${copy}-wal`);
  const log = readFileSync(`${copy}-wal`);
  const kept = endOfLastCommit(log);
  truncateSync(`${copy}-wal`, kept + Math.floor(Math.random() * (log.length - kept)));
}

const HEADER = 32;
const FRAME_HEADER = 24;

/** Where the last frame ends that commits and belongs to this round of the log: https://sqlite.org/fileformat2.html#walformat */
function endOfLastCommit(log: Buffer): number {
  if (log.length < HEADER) return 0;
  const frame = FRAME_HEADER + log.readUInt32BE(8);
  const salt = log.subarray(16, 24);
  let end = HEADER;
  for (let at = HEADER; at + frame <= log.length; at += frame) {
    if (!log.subarray(at + 8, at + 16).equals(salt)) break;
    if (log.readUInt32BE(at + 4) !== 0) end = at + frame;
  }
  return end;
}

/** Stops the process wherever it is; from the return on it writes nothing. */
function freeze(pid: number): void {
  process.kill(pid, "SIGSTOP");
  const state = () => readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.[0];
  for (let looks = 0; state() !== "T"; looks += 1) {
    if (looks > 100_000) throw new Error("the process does not stop");
  }
}

/** Ids in the file, once it was found sound. */
function idsIn(file: string): Set<string> {
  const database = connect(file);
  expect(database.prepare("PRAGMA integrity_check").all()).toMatchObject([{ integrity_check: "ok" }]);
  const rows = database.prepare("SELECT id FROM tasks").all() as { id: string }[];
  database.close();
  return new Set(rows.map(({ id }) => id));
}

it("has lost nothing that was acknowledged when the power goes, under synchronous FULL", async () => {
  const folder = directory();
  const file = join(folder, "tasks.db");
  const child = await sqliteProcess(file, { synchronous: "full" });
  child.tell({ do: "enqueueOn", queue: "q" });
  let logged = 0;
  for (let point = 0; point < POINTS; point += 1) {
    const before = child.stored.length;
    await child.until(() => child.stored.length > before + 20 * Math.random());
    freeze(child.pid);
    const acknowledged = [...child.stored];
    const copy = join(folder, `copy-${point}.db`);
    afterPowerLoss(file, copy);
    process.kill(child.pid, "SIGCONT");
    if (existsSync(`${copy}-wal`)) logged += 1;
    const found = idsIn(copy);
    expect(acknowledged.filter((id) => !found.has(id))).toEqual([]);
  }
  expect(logged).toBeGreaterThan(0);
  await child.kill();
}, 60_000);
