import { statOf } from "./stat-of.ts";

/** A file, and what its state was when it was looked at. */
export interface SignedFile {
  readonly path: string;
  readonly signature: string;
}

/** Another one as soon as a file has been written, replaced or removed. */
export function sign(path: string): SignedFile {
  const stats = statOf(path);
  return { path, signature: stats === undefined ? "gone" : `${stats.mtimeMs} ${stats.size} ${stats.ino}` };
}
