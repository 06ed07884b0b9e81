/**
 * Checks that the lock files serve everybody:
 *
 *     tsx scripts/check-lockfile.ts
 *
 * They name no registry: whoever installs uses one of their own, and the integrity hashes vouch for what comes from
 * there. And they have an entry for each optional package, also those of other platforms, without which `npm ci`
 * refuses the whole file there; npm forgets them when it writes the file beside an installed `node_modules`.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

interface Lockfile {
  readonly packages: Readonly<
    Record<
      string,
      { readonly resolved?: string; readonly optionalDependencies?: Readonly<Record<string, string>> }
    >
  >;
}

const MODULES = "node_modules/";

/** What is wrong with a lock file, one line each. */
export function checkLockfile({ packages }: Lockfile): string[] {
  const complaints: string[] = [];
  const locked = new Set(
    Object.keys(packages).map((path) => path.slice(path.lastIndexOf(MODULES) + MODULES.length)),
  );
  for (const [path, { resolved, optionalDependencies = {} }] of Object.entries(packages)) {
    if (resolved?.startsWith("http")) {
      complaints.push(`${path} names its registry; .npmrc should say omit-lockfile-registry-resolved=true`);
    }
    for (const name of Object.keys(optionalDependencies)) {
      if (!locked.has(name)) {
        complaints.push(
          `${path} may need ${name}, which has no entry; write the file anew without node_modules`,
        );
      }
    }
  }
  return complaints;
}

function main(): void {
  for (const directory of ["", "bench/", "bench/sqlite/", "examples/mounting/next/"]) {
    const file = `${directory}package-lock.json`;
    const text = readFileSync(fileURLToPath(new URL(`../${file}`, import.meta.url)), "utf8");
    for (const complaint of checkLockfile(JSON.parse(text) as Lockfile)) {
      console.error(`${file}: ${complaint}`);
      process.exitCode = 1;
    }
  }
  if (process.exitCode === undefined) console.log("lock files: complete, and no registry is named");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
