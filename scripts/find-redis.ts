import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** Where the tests get a Redis from. */
export type FoundRedis = { readonly kind: "binary"; readonly path: string };

/** Finds a Redis for tests. */
export async function findRedis(): Promise<FoundRedis> {
  const path = onPath("redis-server") ?? onPath("valkey-server");
  if (path === undefined) throw new Error("no redis-server or valkey-server on the PATH");
  return { kind: "binary", path };
}

function onPath(program: string): string | undefined {
  for (const directory of (process.env["PATH"] ?? "").split(delimiter)) {
    const path = join(directory, program);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this directory.
    }
  }
  return undefined;
}
