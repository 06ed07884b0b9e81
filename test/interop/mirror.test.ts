import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { golden } from "../support/golden.ts";

/** The sources of asynq that the peer is built from. */
function sources(): string {
  const { status, stdout, stderr } = spawnSync(
    "go",
    ["list", "-m", "-f", "{{.Dir}}", "github.com/hibiken/asynq"],
    {
      cwd: fileURLToPath(new URL("peer", import.meta.url)),
      encoding: "utf8",
    },
  );
  expect(status, stderr).toBe(0);
  return stdout.trim();
}

it("mirrors every test that asynq v0.26.0 has", () => {
  const directory = sources();
  expect(directory).toMatch(/asynq@v0\.26\.0$/);
  const found: Record<string, string[]> = {};
  for (const file of readdirSync(directory, { recursive: true, encoding: "utf8" })) {
    if (!file.endsWith("_test.go")) continue;
    const code = readFileSync(`${directory}/${file}`, "utf8");
    const names = [...code.matchAll(/^func (Test\w+)\(t \*testing\.T\)/gm)].map(([, name = ""]) => name);
    if (names.length > 0) found[file] = names;
  }
  expect(golden<Record<string, unknown>>("asynq-tests.json")["v0.26.0"]).toEqual(found);
});
