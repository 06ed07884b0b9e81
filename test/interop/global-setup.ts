import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startCounting, sumCounts } from "./counts.ts";
import { asynqVersion, buildGoModule, GO_MODULES, goVersion } from "./go-modules.ts";

/** Builds every Go program before the first test, and says at the end what was tried. */
export function setup(): () => void {
  console.log(`side by side with ${goVersion()}`);
  for (const name of GO_MODULES) {
    buildGoModule(name);
    console.log(`  ${name}: asynq ${asynqVersion(name)}`);
  }
  const directory = mkdtempSync(join(tmpdir(), "tq-interop-"));
  startCounting(directory);
  return () => {
    const sums = [...sumCounts()].map(([what, n]) => `${n.toLocaleString("en")} ${what}`);
    console.log(`\nside by side: ${sums.join(", ")}`);
    rmSync(directory, { recursive: true });
  };
}
