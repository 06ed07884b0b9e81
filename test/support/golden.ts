import { readFileSync } from "node:fs";

/** One of the files of `test/golden/`, which holds what the Go module itself did. */
export function golden<T>(file: string): T {
  return JSON.parse(readFileSync(new URL(`../golden/${file}`, import.meta.url), "utf8"));
}
