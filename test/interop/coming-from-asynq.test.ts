import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** What `go doc` says of asynq v0.26.0's public surface. */
function goDoc(): string {
  const { status, stdout, stderr } = spawnSync("go", ["doc", "-all", "github.com/hibiken/asynq"], {
    cwd: here("peer"),
    encoding: "utf8",
  });
  expect(status, stderr).toBe(0);
  return stdout;
}

/** Structs whose fields a user sets. */
const SETTINGS = ["Config", "SchedulerOpts", "PeriodicTaskManagerOpts"];

/** These are methods that Go's packages `fmt` and `flag` call. */
const OF_GO: readonly string[] = ["String", "Set"];

/** The names by which a user calls asynq: functions, methods, values, types, settings. */
function publicNames(doc: string): Set<string> {
  const declared = [...doc.matchAll(/^(?:func (?:\(\w+ \*?\w+\) )?|type |var )(\w+)/gm)];
  const values = [...doc.matchAll(/^\t(Err\w+|\w+Level) +(?:=|LogLevel)/gm)];
  const fields = SETTINGS.flatMap((name) => {
    const [, body = ""] = new RegExp(`^type ${name} struct \\{\n([\\s\\S]*?)^\\}`, "m").exec(doc) ?? [];
    return [...body.matchAll(/^\t([A-Z]\w+) +\S/gm)];
  });
  const names = [...declared, ...values, ...fields].flatMap(([, name = ""]) => name);
  return new Set(names.filter((name) => /^[A-Z]/.test(name) && !OF_GO.includes(name)));
}

it("docs/coming-from-asynq.md names all that asynq v0.26.0 offers", () => {
  const names = publicNames(goDoc());
  expect(names.size).toBeGreaterThan(150);
  const page = readFileSync(here("../../docs/coming-from-asynq.md"), "utf8");
  const tables = page.split("\n").filter((line) => line.startsWith("| "));
  const spans = tables.flatMap((line) => line.split(" | ")[0]?.match(/`[^`]+`/g) ?? []);
  const told = new Set(spans.flatMap((span) => span.match(/\w+/g) ?? []));
  expect([...names].filter((name) => !told.has(name)).sort()).toEqual([]);
});
