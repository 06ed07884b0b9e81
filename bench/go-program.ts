import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const SOURCE = fileURLToPath(new URL("go", import.meta.url));
const DIRECTORY = fileURLToPath(new URL("../.cache/bench/", import.meta.url));

/** The program that measures asynq, and its version. */
export interface GoProgram {
  readonly path: string;
  readonly asynq: string;
  readonly go: string;
}

/** Builds it, where Go is on the PATH; else says that asynq is left out. */
export function goProgram(): GoProgram | undefined {
  const version = spawnSync("go", ["env", "GOVERSION"], { encoding: "utf8" });
  if (version.error !== undefined) {
    process.stdout.write("!! asynq is NOT measured: put Go 1.24 or newer on the PATH\n");
    return undefined;
  }
  mkdirSync(DIRECTORY, { recursive: true });
  const path = `${DIRECTORY}asynq`;
  go("build", "-mod=readonly", "-o", path, ".");
  const asynq = go("list", "-m", "-f", "{{.Version}}", "github.com/hibiken/asynq");
  return { path, asynq: asynq.replace(/^v/, ""), go: version.stdout.trim() };
}

function go(...words: string[]): string {
  const { status, stdout, stderr } = spawnSync("go", words, { cwd: SOURCE, encoding: "utf8" });
  if (status !== 0) throw new Error(`go ${words.join(" ")} failed:\n${stderr}`);
  return stdout.trim();
}
