/**
 * Uses the package as a stranger would: packed as it would be published, in a project of the strictest kind, by `import`
 * and by `require`, and by both at once.
 *
 *     tsx scripts/check-consumer.ts
 */
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import manifest from "../package.json" with { type: "json" };
import { checkStarter } from "./check-starter.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const project = join(root, ".cache/consumer");
const installed = join(project, "node_modules/titanqueue");

function run(program: string, args: readonly string[], cwd = project): string {
  try {
    return execFileSync(program, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
  } catch (error) {
    process.stdout.write((error as { stdout?: string }).stdout ?? "");
    process.exit(1);
  }
}

rmSync(project, { recursive: true, force: true });
mkdirSync(installed, { recursive: true });
cpSync(join(root, "test/consumer"), project, { recursive: true });

// Its dependencies are found above it, where `npm ci` put them for us.
const [packed] = JSON.parse(
  run("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", project], root),
);
run("tar", ["-xzf", packed.filename, "-C", installed, "--strip-components=1"]);

run(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "--project", project]);
console.log("consumer: a strict project compiles, by import and by require");
process.stdout.write(run(process.execPath, ["both-builds.mjs"]));
await checkStarter(project, join(installed, manifest.bin.titanqueue));
