import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** What `make interop` counts. */
const COUNTED = [
  "vectors",
  "sequences",
  "operations",
  "fleet-scenarios",
  "tool-scenarios",
  "tool-commands",
] as const;
export type Counted = (typeof COUNTED)[number];

/** Names the file of this run, to every process that it starts. */
const NAME = "TITANQUEUE_INTEROP_COUNTS";

/** Adds to what the run prints at its end: so many were tried, and held. */
export function counted(what: Counted, n = 1): void {
  const file = process.env[NAME];
  if (file !== undefined) appendFileSync(file, `${what} ${n}\n`);
}

/** Counts from here on into a file of `directory`. */
export function startCounting(directory: string): void {
  process.env[NAME] = join(directory, "counts");
}

/** Of each; 0, too, so that what was not tried shows. */
export function sumCounts(): ReadonlyMap<string, number> {
  const sums = new Map<string, number>(COUNTED.map((what) => [what, 0]));
  const file = process.env[NAME];
  if (file === undefined || !existsSync(file)) return sums;
  for (const line of readFileSync(file, "utf8").trim().split("\n")) {
    const [what = "", n = ""] = line.split(" ");
    sums.set(what, (sums.get(what) ?? 0) + Number(n));
  }
  return sums;
}
