import { statSync } from "node:fs";

/** A file, and what its state was when it was looked at. */
export interface SignedFile {
  readonly path: string;
  readonly signature: string;
}

/** Another one as soon as a file has been written, replaced or removed. */
export function sign(path: string): SignedFile {
  const stats = statSync(path, { throwIfNoEntry: false });
  return { path, signature: stats === undefined ? "gone" : `${stats.mtimeMs} ${stats.size} ${stats.ino}` };
}
