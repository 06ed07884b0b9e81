import { statfsSync } from "node:fs";
import { dirname } from "node:path";
import type { Advice, Diagnosis } from "../../broker/repair.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { SqliteStore } from "./sqlite-store.ts";
import type { Turns } from "./turns.ts";

/** Bytes of the disk below which an operator should know of it. */
const LITTLE_ROOM = 500 * 2 ** 20;
/** Part of the file that is empty, and bytes of it, from which it is worth the trouble. */
const MOSTLY_EMPTY = 0.5;
const WORTH_IT = 100 * 2 ** 20;

const SYNCHRONOUS = ["off", "normal", "full", "extra"];

/** Looks at the file, and at the disk it lies on. */
export async function sqliteDiagnose(turns: Turns, clock: Clock, file: string): Promise<Diagnosis> {
  const now = clock.now();
  const seen = await turns.read((store) => ({
    journal: String(pragma(store, "journal_mode")),
    synchronous: SYNCHRONOUS[Number(pragma(store, "synchronous"))] ?? "unknown",
    integrity: String(pragma(store, "quick_check(1)")),
    schema: Number(pragma(store, "user_version")),
    pageSize: Number(pragma(store, "page_size")),
    pages: Number(pragma(store, "page_count")),
    freePages: Number(pragma(store, "freelist_count")),
    staleServers: store.prepare("SELECT name FROM servers WHERE expires_at <= ?").all(Math.floor(now)) as {
      name: string;
    }[],
  }));
  const { bavail, bsize } = statfsSync(dirname(file));
  const { staleServers, ...facts } = { ...seen, file, freeDisk: bavail * bsize };
  const advice: Advice[] = [
    { code: "VERSION", severity: "ok", finding: `the schema of the file is ${seen.schema}, the one we know` },
    {
      code: "JOURNAL",
      severity: seen.journal === "wal" ? "ok" : "problem",
      finding: `the journal mode is ${seen.journal}`,
      ...(seen.journal !== "wal" && {
        meaning: "Processes lock each other out.",
        remedy: "PRAGMA journal_mode = WAL",
      }),
    },
    synchronousAdvice(seen.synchronous),
    integrityAdvice(seen.integrity),
    sizeAdvice(seen.pages * seen.pageSize, seen.freePages * seen.pageSize, file),
    diskAdvice(facts.freeDisk),
  ];
  if (staleServers.length > 0) {
    advice.push({
      code: "SERVERS_STALE",
      severity: "warning",
      finding: `${staleServers.length} servers went away without a word: ${staleServers.map(({ name }) => name).join(", ")}`,
      meaning: "They were killed. Their tasks are recovered within 75 s by another server.",
      remedy: "look at their logs",
    });
  }
  return { facts, advice };
}

function synchronousAdvice(synchronous: string): Advice {
  const code = "SYNCHRONOUS";
  if (synchronous === "full" || synchronous === "extra") {
    return { code, severity: "ok", finding: "every turn is flushed to disk before it is acknowledged" };
  }
  return {
    code,
    severity: "ok",
    finding: `synchronous is ${synchronous}`,
    meaning: "A killed process loses nothing; a power cut may lose the last moments before it.",
    remedy: 'sqliteEngine(file, { synchronous: "full" })',
  };
}

function integrityAdvice(integrity: string): Advice {
  if (integrity === "ok") return { code: "INTEGRITY", severity: "ok", finding: "the file is sound" };
  return {
    code: "INTEGRITY",
    severity: "problem",
    finding: `the file is damaged: ${integrity}`,
    meaning: "Tasks may be unreadable, or be passed over.",
    remedy: "titanqueue fsck --repair; else sqlite3 <file> .recover, or the last copy",
  };
}

function sizeAdvice(size: number, free: number, file: string): Advice {
  const finding = `the file has ${mebibytes(size)}, of which ${mebibytes(free)} are empty`;
  if (free < WORTH_IT || free < MOSTLY_EMPTY * size) return { code: "FILE_SIZE", severity: "ok", finding };
  return {
    code: "FILE_SIZE",
    severity: "warning",
    finding,
    meaning: "A backlog was worked off. Servers give the room back little by little.",
    remedy: `sqlite3 ${file} VACUUM, while nobody uses it`,
  };
}

function diskAdvice(room: number): Advice {
  const finding = `${mebibytes(room)} are left on the disk`;
  if (room >= LITTLE_ROOM) return { code: "DISK_SPACE", severity: "ok", finding };
  return {
    code: "DISK_SPACE",
    severity: "problem",
    finding,
    meaning: "On a full disk nothing can be enqueued, and no outcome be stored.",
    remedy: "make room on that disk",
  };
}

function pragma(store: SqliteStore, name: string): unknown {
  return Object.values(store.prepare(`PRAGMA ${name}`).get() as Record<string, unknown>)[0];
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
