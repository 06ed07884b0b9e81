import { readdirSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { gzipSync } from "node:zlib";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".json": "application/json",
  ".txt": "text/plain; charset=utf-8",
};

export interface StaticFile {
  readonly body: Uint8Array<ArrayBuffer>;
  /** The same, compressed, where that makes it smaller. */
  readonly gzip: Uint8Array<ArrayBuffer> | undefined;
  readonly type: string;
  /** Its name changes with what is in it. */
  readonly lasting: boolean;
}

/** By path below the directory, as `assets/app-1a2b.js`. */
export type StaticFiles = ReadonlyMap<string, StaticFile>;

/**
 * The files of the built front end, read once: what is asked for later is looked up, and never becomes a path. Links are
 * left out. Empty: there is no such directory.
 */
export function readStaticFiles(directory: string): StaticFiles {
  const files = new Map<string, StaticFile>();
  const walk = (path: string): void => {
    for (const entry of entriesOf(join(directory, path))) {
      const name = path === "" ? entry.name : `${path}/${entry.name}`;
      if (entry.isDirectory()) walk(name);
      const type = TYPES[extname(entry.name)];
      if (!entry.isFile() || type === undefined) continue;
      const body = new Uint8Array(readFileSync(join(directory, name)));
      const gzip = new Uint8Array(gzipSync(body, { level: 9 }));
      const smaller = gzip.length < body.length ? gzip : undefined;
      files.set(name, { body, gzip: smaller, type, lasting: name.startsWith("assets/") });
    }
  };
  walk("");
  return files;
}

function entriesOf(directory: string) {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/**
 * The page of the front end, for a path below the monitor's: what it loads lies so many steps up, wherever the monitor is
 * mounted.
 *
 * @param way - from the page to where the monitor is mounted
 */
export function pageAt(path: string, files: StaticFiles, way = stepsUp(path)): string {
  const index = files.get("index.html");
  const text = index === undefined ? WITHOUT_FRONT_END : Buffer.from(index.body).toString("utf8");
  return text.replaceAll(/((?:src|href)=")\.\//g, `$1${way}`);
}

function stepsUp(path: string): string {
  const depth = path.split("/").length - 2;
  return depth > 0 ? "../".repeat(depth) : "./";
}

const WITHOUT_FRONT_END = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>TitanQueue Monitor</title>
<h1>TitanQueue Monitor</h1>
<p>This copy of the package was built without the monitor's front end. Its API is there:
<a href="./api/queues">queues</a>, <a href="./api/servers">servers</a>, <a href="./api/openapi.json">OpenAPI</a>.</p>
</html>
`;
