import { readFileSync } from "node:fs";
import type { Clock } from "titanqueue";
import type { Credentials, MonitorUser } from "titanqueue/monitor";
import { Refusal } from "./ending.ts";
import { statOf } from "./stat-of.ts";

/** Whether the file has changed is looked at so often, in milliseconds, at most. */
const EVERY = 1_000;

/**
 * Who may log in to the monitor: lines `user:hash:role[:queue,queue]`; empty ones and those that begin with `#` are left
 * out. The hash is what `titanqueue monitor --hash-password` prints.
 *
 * @throws {@link Refusal} Its text never holds what the file says.
 */
export function readAuthFile(file: string): MonitorUser[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new Refusal(`${file}: ${(error as NodeJS.ErrnoException).code ?? "it cannot be read"}`);
  }
  return text.split(/\r?\n/).flatMap((line, at) => {
    if (line.trim() === "" || line.startsWith("#")) return [];
    const [user = "", hash = "", role = "", queues = "", ...more] = line.trim().split(":");
    if (!isRole(role) || more.length > 0) {
      throw new Refusal(
        `${file}:${at + 1}: expected user:hash:role or user:hash:role:queues; roles are view, operate, admin`,
      );
    }
    return [{ user, hash, role, ...(queues !== "" && { queues: queues.split(",") }) }];
  });
}

function isRole(text: string): text is "view" | "operate" | "admin" {
  return ["view", "operate", "admin"].includes(text);
}

/** Others than its owner may read the file. Cannot be told on Windows. */
export function isReadableByOthers(file: string): boolean {
  return process.platform !== "win32" && ((statOf(file)?.mode ?? 0) & 0o077) !== 0;
}

/**
 * The credentials of a file as it is now: who is taken out of it is out within a second or two. A file that has become
 * unreadable lets nobody in that it did not let in before, and `failed` is told.
 */
export function followedAuthFile(
  file: string,
  beside: Credentials,
  clock: Clock,
  failed: (problem: string) => void,
): () => Credentials {
  let users: readonly MonitorUser[] = readAuthFile(file);
  let seen = stampOf(file);
  let lookedAt = clock.monotonic();
  return () => {
    if (clock.monotonic() - lookedAt >= EVERY) {
      lookedAt = clock.monotonic();
      const stamp = stampOf(file);
      if (stamp !== seen) {
        seen = stamp;
        try {
          users = readAuthFile(file);
        } catch (error) {
          failed((error as Error).message);
        }
      }
    }
    return { ...beside, users: [...users, ...(beside.users ?? [])] };
  };
}

function stampOf(file: string): string {
  const stats = statOf(file);
  return stats === undefined ? "" : `${stats.mtimeMs} ${stats.size} ${stats.ino}`;
}
