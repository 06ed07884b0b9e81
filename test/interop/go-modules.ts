import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const BUILT = here("../../.cache/interop/");

/** The Go modules of this directory, by their directories' names. */
export const GO_MODULES: readonly string[] = readdirSync(here("."))
  .filter((name) => existsSync(here(`${name}/go.mod`)))
  .sort();

/** The program that a module was built into. */
export function goProgram(name: string): string {
  return BUILT + name;
}

/** Builds a module, which installs what its `go.sum` names; quick when nothing has changed. */
export function buildGoModule(name: string): void {
  mkdirSync(BUILT, { recursive: true });
  run(["build", "-mod=readonly", "-o", goProgram(name), "."], here(name));
}

/** The version of asynq that a module asks for. */
export function asynqVersion(name: string): string {
  return run(["list", "-m", "-f", "{{.Version}}", "github.com/hibiken/asynq"], here(name)).trim();
}

/** Says what the real Go is. */
export function goVersion(): string {
  return run(["version"], here(".")).trim();
}

function run(words: readonly string[], cwd: string): string {
  const { status, stdout, stderr, error } = spawnSync("go", words, { cwd, encoding: "utf8" });
  if (error !== undefined && "code" in error && error.code === "ENOENT") {
    throw new Error(
      "there is no Go here, and these tests run the real asynq: put Go 1.24 or newer on the PATH (https://go.dev/dl/), " +
        "then run `make interop` again",
    );
  }
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`go ${words.join(" ")} in ${cwd} failed:\n${stderr}`);
  return stdout;
}
