import { rmSync } from "node:fs";

/** The file that `sqlite:<file>` names. */
export function fileOf(url: string): string {
  return url.slice("sqlite:".length);
}

/** Deletes the file and what SQLite keeps beside it. Nobody may have it open. */
export function deleteFile(url: string): void {
  for (const suffix of ["", "-wal", "-shm"]) rmSync(fileOf(url) + suffix, { force: true });
}
