import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

/** What `make interop` counts. */
export type Counted = "vectors" | "sequences" | "operations" | "scenarios" | "commands";

const FILE = fileURLToPath(new URL("../../.cache/interop/counts", import.meta.url));

/** Adds to what the run prints at its end: so many were tried, and held. */
export function counted(what: Counted, n = 1): void {
  appendFileSync(FILE, `${what} ${n}\n`);
}

export function resetCounts(): void {
  mkdirSync(dirname(FILE), { recursive: true });
  rmSync(FILE, { force: true });
}

export function sumCounts(): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  if (!existsSync(FILE)) return sums;
  for (const line of readFileSync(FILE, "utf8").trim().split("\n")) {
    const [what = "", n = ""] = line.split(" ");
    sums.set(what, (sums.get(what) ?? 0) + Number(n));
  }
  return sums;
}
