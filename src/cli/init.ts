import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { basename, join, relative, resolve } from "node:path";
import { VERSION } from "../version.ts";
import { Failure, Refusal } from "./ending.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { statOf } from "./stat-of.ts";

/** The project is an example of this package, which ships with it: that way it is checked as all examples are. */
const STARTER = new URL("../../examples/starter/", import.meta.url);
const COPIED = ["tasks.ts", "worker.ts", "enqueue.ts", "tsconfig.json", "README.md"];

/** `titanqueue init`: writes a small typed project. Never touches a file that is there. */
export function runInit(given: string): ExitCode {
  const directory = resolve(given);
  const files = starterFiles(packageName(directory));
  refuseOthers(directory, given, Object.keys(files));
  try {
    mkdirSync(directory, { recursive: true });
    for (const [name, text] of Object.entries(files)) {
      writeFileSync(join(directory, name), text, { flag: "wx" });
    }
  } catch (error) {
    throw new Failure(`cannot write the project: ${(error as Error).message}`, { cause: error });
  }
  const place = relative(process.cwd(), directory);
  process.stdout.write(`${Object.keys(files).join(", ")} written${place === "" ? "" : ` in ${place}`}\n`);
  const steps = [
    ...(place === "" ? [] : [`cd ${/^[\w./-]+$/.test(place) ? place : JSON.stringify(place)}`]),
    "npm install",
    "npm run dev",
  ];
  process.stdout.write(`next: ${steps.join(" && ")}\n`);
  return EXIT.ok;
}

function refuseOthers(directory: string, given: string, names: readonly string[]): void {
  const there = statOf(directory);
  if (there === undefined) return;
  if (!there.isDirectory()) throw new Refusal(`${given} is a file; name a directory`);
  const taken = names.filter((name) => existsSync(join(directory, name)));
  if (taken.length === 0) return;
  throw new Refusal(
    `${taken.join(", ")} ${taken.length === 1 ? "is" : "are"} there already, and nothing is overwritten; ` +
      "name another directory: titanqueue init my-tasks",
  );
}

function starterFiles(name: string): Readonly<Record<string, string>> {
  const copied = COPIED.map((file) => [file, readFileSync(new URL(file, STARTER), "utf8")] as const);
  return {
    "package.json": `${JSON.stringify(manifest(name), null, 2)}\n`,
    ...Object.fromEntries(copied),
    ".gitignore": "node_modules/\ntasks.db*\n",
  };
}

function manifest(name: string): object {
  return {
    name,
    private: true,
    type: "module",
    scripts: {
      dev: "titanqueue dev worker.ts",
      enqueue: "tsx enqueue.ts",
      start: "titanqueue worker worker.ts",
      types: "tsc",
    },
    dependencies: {
      // Node.js has SQLite built in from 22.13 on.
      ...(isBuiltin("node:sqlite") ? {} : { "@photostructure/sqlite": "^1" }),
      titanqueue: `^${VERSION}`,
      tsx: "^4",
      zod: "^4",
    },
    devDependencies: { "@types/node": "^20", typescript: "^5" },
  };
}

/** What npm allows as a name, made of the directory's. */
function packageName(directory: string): string {
  const name = basename(directory)
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, "-")
    .replace(/^[._-]+/, "")
    .slice(0, 214);
  // It would install itself.
  return name === "" || name === "titanqueue" ? "tasks" : name;
}
