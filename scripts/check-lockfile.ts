/**
 * Checks that no lock file names the registry it was made with: whoever installs uses a registry of their own, and the
 * integrity hashes vouch for what comes from there.
 *
 *     tsx scripts/check-lockfile.ts
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

let found = 0;
for (const file of ["package-lock.json", "bench/package-lock.json"]) {
  const lines = readFileSync(fileURLToPath(new URL(`../${file}`, import.meta.url)), "utf8").split("\n");
  for (const [index, line] of lines.entries()) {
    if (!/"resolved": "https?:/.test(line)) continue;
    found += 1;
    console.error(
      `${file}:${index + 1}: names its registry; .npmrc says omit-lockfile-registry-resolved=true`,
    );
  }
}
if (found > 0) process.exitCode = 1;
else console.log("lock files: no registry is named");
