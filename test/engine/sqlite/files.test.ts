import {
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Engine } from "../../../src/broker/engine.ts";
import { Client } from "../../../src/client/client.ts";
import { MIGRATIONS } from "../../../src/engine/sqlite/schema.ts";
import { sqliteEngine } from "../../../src/engine/sqlite/sqlite-engine.ts";
import { silentLogger } from "../../../src/runtime/logger.ts";
import { Server } from "../../../src/server/server.ts";
import { Task } from "../../../src/task.ts";
import { counts, enqueued, message } from "../../contract/tasks.ts";
import { connect, directory } from "./sqlite-harness.ts";

let place: string;
let file: string;
const engines: Engine[] = [];

beforeEach(() => {
  place = directory();
  file = join(place, "tasks.db");
});

afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.close();
});

function open(path = file): Engine {
  const engine = sqliteEngine(path, { logger: silentLogger });
  engines.push(engine);
  return engine;
}

/** A sound file with `tasks` pending tasks. */
async function filled(tasks: number): Promise<void> {
  const engine = sqliteEngine(file, { logger: silentLogger });
  await engine.broker.enqueue(Array.from({ length: tasks }, () => ({ message: message("q") })));
  await engine.close();
}

/** What must be said of a file, by whoever tries to use it, and that nobody changes it. */
async function refusedEverywhere(code: string, path = file): Promise<void> {
  await expect(open(path).open()).rejects.toMatchObject({ code, file: path });
  await expect(open(path).inspection.queues()).rejects.toMatchObject({ code });
  expect(await open(path).broker.enqueue([{ message: message("q") }])).toMatchObject([
    { status: "failed", error: { code } },
  ]);
  await expect(new Client(open(path)).enqueue(new Task("t", 1))).rejects.toMatchObject({ code });
  const server = new Server(open(path), { logger: silentLogger });
  await expect(server.start(() => undefined)).rejects.toMatchObject({ code });
  expect(server.health()).toMatchObject({ status: "stopped" });
}

describe("a place where no file can lie", () => {
  it("is one whose directory does not exist: it is not made", async () => {
    await refusedEverywhere("SQLITE_DIRECTORY_MISSING", join(place, "no/where/tasks.db"));
    await expect(open(join(place, "no/where/tasks.db")).open()).rejects.toThrow(join(place, "no/where"));
  });

  it("is one whose directory is a file", async () => {
    writeFileSync(join(place, "plain"), "");
    await refusedEverywhere("SQLITE_DIRECTORY_MISSING", join(place, "plain/tasks.db"));
  });

  it("is a directory", async () => {
    mkdirSync(file);
    await refusedEverywhere("SQLITE_FOREIGN_FILE");
  });
});

describe("a file that is none of ours", () => {
  it.each([
    ["a text", Buffer.from("task,when\nwelcome,now\n".repeat(200))],
    ["a few bytes", Buffer.from("x")],
    [
      "noise behind the right beginning",
      Buffer.concat([Buffer.from("SQLite format 3\0"), Buffer.alloc(4_080, 0xa5)]),
    ],
  ])("is refused and left alone: %s", async (_what, bytes) => {
    writeFileSync(file, bytes);
    await refusedEverywhere("SQLITE_FOREIGN_FILE");
    expect(readFileSync(file).equals(bytes)).toBe(true);
  });

  it("is refused and left alone: the database of another program", async () => {
    const database = connect(file);
    database.exec("CREATE TABLE tasks (id INTEGER); PRAGMA user_version = 1");
    database.close();
    const before = readFileSync(file);
    await refusedEverywhere("SQLITE_FOREIGN_FILE");
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  it("may be an empty one, which is a database without anything in it", async () => {
    writeFileSync(file, "");
    await enqueued(open(), "q");
  });
});

describe("a link to a file", () => {
  it("is as good as the file, whose log lies elsewhere", async () => {
    mkdirSync(join(place, "links"));
    const link = join(place, "links/tasks.db");
    symlinkSync(file, link);
    await filled(1);
    const engine = open(file);
    // More than is in the file itself, as long as somebody uses it.
    await engine.broker.enqueue(Array.from({ length: 500 }, () => ({ message: message("q") })));
    expect(await counts(open(link), "q")).toEqual({ pending: 501 });
  });
});

describe("a damaged file", () => {
  it("is told as such when it was cut off", async () => {
    await filled(500);
    truncateSync(file, statSync(file).size / 2);
    await refusedEverywhere("SQLITE_CORRUPT");
  });

  it("is told as such where it is read, and nothing is made up", async () => {
    await filled(2_000);
    const bytes = readFileSync(file);
    bytes.fill(0x5a, 3 * 4_096, bytes.length - 4_096);
    writeFileSync(file, bytes);
    await expect(open().broker.exchange("q", [], 100)).rejects.toMatchObject({
      code: "SQLITE_CORRUPT",
      file,
    });
    await expect(open().inspection.listTasks("q", "pending", { page: 0, size: 10 })).rejects.toMatchObject({
      code: "SQLITE_CORRUPT",
    });
  });
});

describe("the schema", () => {
  const setVersion = (version: number) => {
    const database = connect(file);
    database.exec(`PRAGMA user_version = ${version}`);
    database.close();
  };

  it("of a newer titanqueue is refused and left alone", async () => {
    await filled(1);
    setVersion(MIGRATIONS.length + 1);
    const before = readFileSync(file);
    await refusedEverywhere("SQLITE_SCHEMA_NEWER");
    await expect(open().open()).rejects.toMatchObject({ version: MIGRATIONS.length + 1 });
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  it("is refused as soon as a newer titanqueue has brought it up to date", async () => {
    const engine = open();
    await enqueued(engine, "q");
    setVersion(MIGRATIONS.length + 1);
    await expect(engine.inspection.queues()).rejects.toMatchObject({ code: "SQLITE_SCHEMA_NEWER", file });
    await expect(engine.broker.exchange("q", [], 1)).rejects.toMatchObject({ code: "SQLITE_SCHEMA_NEWER" });
    setVersion(MIGRATIONS.length);
    expect(await counts(engine, "q")).toEqual({ pending: 1 });
  });

  it("of today is not written again by those who only look", async () => {
    await filled(1);
    const before = readFileSync(file);
    const engine = open();
    expect(await counts(engine, "q")).toEqual({ pending: 1 });
    await engine.close();
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  it("is made once, however many open a new file at the same time", async () => {
    const all = Array.from({ length: 10 }, () => open());
    await Promise.all(all.map((engine) => engine.open()));
    await Promise.all(all.map((engine) => enqueued(engine, "q")));
    expect(await counts(open(), "q")).toEqual({ pending: 10 });
  });
});

describe("a file that is taken away under a working engine", () => {
  it("stores nothing in silence: calls fail until it is put back", async () => {
    const engine = open();
    await enqueued(engine, "q");
    const away = join(directory(), "tasks.db");
    for (const end of ["", "-wal", "-shm"]) renameSync(file + end, away + end);

    for (let round = 0; round < 3; round += 1) {
      expect(await engine.broker.enqueue([{ message: message("q") }])).toMatchObject([
        { status: "failed", error: { code: "SQLITE_FILE_GONE", file } },
      ]);
      await expect(engine.inspection.queues()).rejects.toMatchObject({ code: "SQLITE_FILE_GONE" });
    }
    expect(statSync(file, { throwIfNoEntry: false })).toBeUndefined();

    for (const end of ["", "-wal", "-shm"]) {
      if (statSync(away + end, { throwIfNoEntry: false })) renameSync(away + end, file + end);
    }
    await enqueued(engine, "q");
    expect((await counts(engine, "q")).pending).toBeGreaterThanOrEqual(2);
  });

  it("is told also to those who work on it through another engine", async () => {
    const [one, two] = [open(), open()];
    await Promise.all([one.open(), two.open()]);
    for (const end of ["", "-wal", "-shm"]) rmSync(file + end, { force: true });
    for (const engine of [one, two]) {
      await expect(engine.broker.exchange("q", [], 1)).rejects.toMatchObject({ code: "SQLITE_FILE_GONE" });
    }
  });

  it("gives way to another that is put in its place", async () => {
    const engine = open();
    await enqueued(engine, "q");
    const restored = join(directory(), "restored.db");
    const other = open(restored);
    await other.broker.enqueue(Array.from({ length: 3 }, () => ({ message: message("q") })));
    await other.close();

    for (const end of ["", "-wal", "-shm"]) rmSync(file + end, { force: true });
    copyFileSync(restored, file);
    await expect(engine.inspection.queues()).rejects.toMatchObject({ code: "SQLITE_FILE_GONE" });
    expect(await counts(engine, "q")).toEqual({ pending: 3 });
    await enqueued(engine, "q");
    expect(await counts(open(), "q")).toEqual({ pending: 4 });
  });

  it("is made anew by an engine that is opened again", async () => {
    const engine = open();
    await enqueued(engine, "q");
    for (const end of ["", "-wal", "-shm"]) rmSync(file + end, { force: true });
    await expect(engine.inspection.queues()).rejects.toMatchObject({ code: "SQLITE_FILE_GONE" });
    await engine.close();
    await engine.open();
    expect(await engine.inspection.queues()).toEqual([]);
  });
});
