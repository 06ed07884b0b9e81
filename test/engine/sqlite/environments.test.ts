import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { sqliteEngine } from "../../../src/engine/sqlite/sqlite-engine.ts";
import { silentLogger } from "../../../src/runtime/logger.ts";
import { counts, enqueued } from "../../contract/tasks.ts";
import { type SqliteProcess, sqliteProcess } from "../../support/sqlite-process.ts";
import { connect, directory } from "./sqlite-harness.ts";

const TIMEOUT = 60_000;

/** Root may write anywhere, by capabilities that the other process is to have none of. */
const unprivileged = process.getuid?.() === 0 ? { wrapper: ["setpriv", "--bounding-set=-all"] } : {};

const enqueue = { do: "enqueue", queue: "q" } as const;

describe("rights that are missing", () => {
  it(
    "to the directory are told before a file is made",
    async () => {
      const place = directory();
      chmodSync(place, 0o555);
      const child = await sqliteProcess(join(place, "tasks.db"), unprivileged);
      await expect(child.ask({ do: "open" })).rejects.toMatchObject({ code: "SQLITE_READ_ONLY" });
      await expect(child.ask(enqueue)).rejects.toMatchObject({ code: "SQLITE_READ_ONLY" });

      chmodSync(place, 0o755);
      await child.ask(enqueue);
    },
    TIMEOUT,
  );

  it(
    "to the file are told at once, not with the first task",
    async () => {
      const place = directory();
      const file = join(place, "tasks.db");
      const engine = sqliteEngine(file, { logger: silentLogger });
      await enqueued(engine, "q");
      await engine.close();
      for (const mode of [0o444, 0o222, 0o000]) {
        chmodSync(file, mode);
        const child = await sqliteProcess(file, unprivileged);
        await expect(child.ask({ do: "open" })).rejects.toMatchObject({ code: "SQLITE_READ_ONLY" });
      }
    },
    TIMEOUT,
  );
});

/**
 * A process for which a disk of 2 MiB lies at `place`, and the directory `aside` on it, which is told to everybody.
 * Only a user's own namespace lets everybody mount one.
 */
function onSmallDisk(place: string, script: string): Promise<SqliteProcess> {
  const mount = `mount -t tmpfs -o size=2m tmpfs '${place}' && ${script} exec "$@"`;
  return sqliteProcess(join(place, "tasks.db"), {
    wrapper: ["unshare", "--map-root-user", "--mount", "sh", "-c", mount, "sh"],
  });
}

describe("a disk that is full", () => {
  it(
    "refuses tasks and loses none, and everything goes on when there is space",
    async () => {
      const place = directory();
      // Frees a megabyte as soon as it is told to, from within, where the disk is to be seen.
      const release = join(directory(), "release");
      const filler = `head -c 1000000 /dev/zero > '${place}/filler' && { (until [ -e '${release}' ]; do sleep 0.05; done; rm '${place}/filler') & };`;
      const child = await onSmallDisk(place, filler);
      let stored = 0;
      let error: unknown;
      while (error === undefined) {
        await child.ask({ ...enqueue, bytes: 20_000 }).then(
          () => {
            stored += 1;
          },
          (refusal: unknown) => {
            error = refusal;
          },
        );
      }
      expect(error).toMatchObject({ code: "SQLITE_FULL" });
      expect(stored).toBeGreaterThan(0);
      await expect(child.ask({ ...enqueue, bytes: 20_000 })).rejects.toMatchObject({ code: "SQLITE_FULL" });

      writeFileSync(release, "");
      for (let freed = false; !freed; ) {
        freed = await child.ask({ ...enqueue, bytes: 20_000 }).then(
          () => true,
          () => false,
        );
      }
      await child.ask({ do: "count", queue: "q", pending: stored + 1 });
    },
    TIMEOUT,
  );

  it(
    "from the beginning makes no half of a file",
    async () => {
      const place = directory();
      const child = await onSmallDisk(place, `head -c 3000000 /dev/zero > '${place}/filler' 2> /dev/null;`);
      await expect(child.ask({ do: "open" })).rejects.toMatchObject({ code: "SQLITE_FULL" });
      await expect(child.ask(enqueue)).rejects.toMatchObject({ code: "SQLITE_FULL" });
    },
    TIMEOUT,
  );
});

describe("a disk that fails within a commit", () => {
  it(
    "leaves doubt about one task, which is told, and loses none that was stored",
    async () => {
      const file = join(directory(), "tasks.db");
      // In blocks of 512 bytes; the signal that tells of the limit is ignored, so that writes fail.
      const child = await sqliteProcess(file, {
        wrapper: ["sh", "-c", 'trap "" XFSZ; ulimit -f 1000; exec "$@"', "sh"],
      });
      let stored = 0;
      const enqueueOn = async () => {
        for (; ; stored += 1) await child.ask({ ...enqueue, bytes: 20_000 });
      };
      await expect(enqueueOn()).rejects.toMatchObject({ code: "AMBIGUOUS_ENQUEUE" });
      expect(stored).toBeGreaterThan(0);
      await child.kill();

      const engine = sqliteEngine(file, { logger: silentLogger });
      const { pending = 0 } = await counts(engine, "q");
      expect([stored, stored + 1]).toContain(pending);
      await engine.close();
      const database = connect(file);
      expect(database.prepare("PRAGMA integrity_check").all()).toMatchObject([{ integrity_check: "ok" }]);
      database.close();
    },
    TIMEOUT,
  );
});

describe("a process that may open no more files", () => {
  it(
    "can use the engine as soon as it may",
    async () => {
      const place = join(directory(), "later");
      const file = join(place, "tasks.db");
      const child = await sqliteProcess(file);
      // Loads the driver, which takes files as well.
      await expect(child.ask({ do: "open" })).rejects.toMatchObject({ code: "SQLITE_DIRECTORY_MISSING" });
      mkdirSync(place);
      const limit = (files: number) =>
        execFileSync("prlimit", ["--pid", `${child.pid}`, `--nofile=${files}:`]);

      limit(readdirSync(`/proc/${child.pid}/fd`).length);
      await expect(child.ask({ do: "open" })).rejects.toMatchObject({ code: "ENGINE_UNAVAILABLE" });
      await expect(child.ask(enqueue)).rejects.toMatchObject({ code: "ENGINE_UNAVAILABLE" });
      limit(1_000);
      await child.ask(enqueue);
    },
    TIMEOUT,
  );
});
