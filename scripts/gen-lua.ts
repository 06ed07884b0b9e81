/**
 * Writes `src/engine/redis/scripts.gen.ts`: one typed binding per Lua script, from the script's own header.
 *
 *     tsx scripts/gen-lua.ts            write it
 *     tsx scripts/gen-lua.ts --check    fail when it is stale
 *
 * A header is the comment at the top of the file:
 *
 *     -- delete_expired: what it does.
 *     -- More prose.
 *     --
 *     -- KEYS    completed    zset    asynq:{<queue>}:completed, score = time to delete
 *     -- ARGV    now          int     Unix seconds
 *     --         entries...   any     id and message of each; the rest of ARGV
 *     -- RETURNS int          what the reply holds
 *
 * The types of ARGV are `int`, `string`, `bytes` and `any` (all of them); a name with `...` stands for the rest and
 * comes last. The body names each entry once, in a `local a, b = KEYS[1], KEYS[2]`, by the header's names.
 *
 * `-- include: <name>` on a line of its own is replaced by `lua/shared/<name>.lua`, which has no header.
 */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
export const luaRoot = join(root, "src/engine/redis/lua");
export const bindingsFile = join(root, "src/engine/redis/scripts.gen.ts");
const SHARED = "shared";

export interface Entry {
  readonly name: string;
  readonly type: string;
  /** Stands for the rest of KEYS or ARGV. */
  readonly variadic: boolean;
  readonly about: string;
}

export interface LuaScript {
  readonly name: string;
  readonly summary: string;
  readonly keys: readonly Entry[];
  readonly args: readonly Entry[];
  /** What Redis gets: the body without comments and blank lines. */
  readonly source: string;
}

const ARG_TYPES: Readonly<Record<string, string>> = {
  int: "number",
  string: "string",
  bytes: "Uint8Array",
  any: "RedisArg",
};

/** Reads one script. Throws when the header is incomplete or the body does not do what the header says. */
export function parseScript(name: string, text: string, shared: (name: string) => string): LuaScript {
  const lines = text.split("\n");
  const end = lines.findIndex((line) => !line.startsWith("--"));
  const header = lines.slice(0, end).map((line) => line.slice(2));
  const fail = (problem: string): never => {
    throw new Error(`${name}.lua: ${problem}`);
  };

  const summary = header[0]?.match(/^ (\w+): (.+)$/) ?? fail("does not begin with `-- <name>: <summary>`");
  if (summary[1] !== name) fail(`calls itself ${summary[1]}`);
  const entries: Record<"KEYS" | "ARGV", Entry[]> = { KEYS: [], ARGV: [] };
  let block: "KEYS" | "ARGV" | "RETURNS" | undefined;
  for (const line of header) {
    const opening = line.match(/^ (KEYS|ARGV|RETURNS)\b/)?.[1] as typeof block;
    if (opening !== undefined) block = opening;
    const columns = line.match(/^ (?:KEYS|ARGV| {4}) {4}(\w+)(\.\.\.)? +(\w+)(?: +(.*))?$/);
    if (block === undefined || block === "RETURNS" || columns === null) continue;
    const [, entry = "", dots, type = "", about = ""] = columns;
    if (block === "ARGV" && ARG_TYPES[type] === undefined) fail(`${entry} has the unknown type ${type}`);
    entries[block].push({ name: entry, type, variadic: dots !== undefined, about });
  }
  if (block !== "RETURNS") fail("does not say what it RETURNS");

  const body = lines
    .slice(end)
    .join("\n")
    .replace(/^ *-- include: (\w+)$/gm, (_, part: string) => shared(part));
  const source = stripped(body);
  for (const table of ["KEYS", "ARGV"] as const) {
    const problem = mismatch(table, entries[table], source);
    if (problem !== undefined) fail(problem);
  }
  return { name, summary: summary[2] ?? "", keys: entries.KEYS, args: entries.ARGV, source };
}

/** How the body's use of KEYS or ARGV differs from the header, if it does. */
function mismatch(table: "KEYS" | "ARGV", entries: readonly Entry[], source: string): string | undefined {
  const named: string[] = [];
  const plain = source.replace(/\btonumber\(((?:KEYS|ARGV)\[\d+\])\)/g, "$1");
  const assignment = new RegExp(
    `\\blocal ([\\w, ]+?)\\s*=\\s*(${table}\\[\\d+\\](?:,\\s*${table}\\[\\d+\\])*)`,
    "g",
  );
  const rest = plain.replace(assignment, (_, left: string, right: string) => {
    const names = left.split(",").map((part) => part.trim());
    const indexes = [...right.matchAll(/\[(\d+)\]/g)].map((match) => Number(match[1]));
    indexes.forEach((index, i) => {
      named[index - 1] = named[index - 1] === undefined ? (names[i] ?? "?") : "(named twice)";
    });
    return "";
  });
  const wanted = entries.filter((entry) => !entry.variadic).map((entry) => entry.name);
  if (named.join() !== wanted.join()) {
    return `the header's ${table} are [${wanted.join(", ")}], the body names [${named.join(", ")}]`;
  }
  if (entries.slice(0, -1).some((entry) => entry.variadic))
    return `only the last of ${table} may be variadic`;
  if (new RegExp(`\\b${table}\\[\\d+\\]`).test(rest)) return `${table} entries are used without a name`;
  const usesRest = new RegExp(`\\b${table}\\b`).test(rest);
  const declaresRest = entries.at(-1)?.variadic === true;
  if (usesRest !== declaresRest)
    return `${table} needs a variadic last entry exactly when the body reads the rest`;
  return undefined;
}

/** Lua text without comments, blank lines and indentation. Long brackets are not supported. */
function stripped(text: string): string {
  if (/\[=*\[/.test(text.replace(/--.*$/gm, ""))) throw new Error("long brackets are not supported");
  return text
    .split("\n")
    .map((line) => (line.match(/^(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|(?!--)[^"'])*/)?.[0] ?? "").trim())
    .filter((line) => line !== "")
    .join("\n");
}

const camel = (name: string): string => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());

function objectType(entries: readonly Entry[], type: (entry: Entry) => string): string {
  const fields = entries.map((entry) => {
    const doc = entry.about === "" ? "" : `      /** ${entry.about.replaceAll("*/", "* /")} */\n`;
    const fieldType = entry.variadic ? `readonly ${type(entry)}[]` : type(entry);
    return `${doc}      readonly ${camel(entry.name)}: ${fieldType};\n`;
  });
  return fields.length === 0 ? "Record<string, never>" : `{\n${fields.join("")}    }`;
}

function binding(script: LuaScript): string {
  const name = camel(script.name);
  const sha1 = createHash("sha1").update(script.source).digest("hex");
  const list = (from: string, entries: readonly Entry[]) =>
    `[${entries.map((entry) => `${entry.variadic ? "..." : ""}${from}.${camel(entry.name)}`).join(", ")}]`;
  const unused = (parameter: string, entries: readonly Entry[]) =>
    entries.length === 0 ? `_${parameter}` : parameter;
  return `/** ${script.summary} */
export const ${name} = {
  name: "${script.name}",
  sha1: "${sha1}",
  source: ${JSON.stringify(script.source)},
  run: (
    commands: Pick<RedisCommands, "run">,
    ${unused("keys", script.keys)}: ${objectType(script.keys, (entry) => (entry.variadic ? "RedisKey" : "string"))},
    ${unused("args", script.args)}: ${objectType(script.args, (entry) => ARG_TYPES[entry.type] ?? "never")},
    options?: RedisCallOptions,
  ): Promise<RedisReply> =>
    commands.run(${name}, ${list("keys", script.keys)}, ${list("args", script.args)}, options),
} satisfies ScriptSource & { run: unknown };
`;
}

export function readScripts(from = luaRoot): LuaScript[] {
  const shared = (name: string) => readFileSync(join(from, SHARED, `${name}.lua`), "utf8");
  const scripts: LuaScript[] = [];
  for (const phase of readdirSync(from).sort()) {
    if (phase === SHARED) continue;
    for (const file of readdirSync(join(from, phase)).sort()) {
      scripts.push(
        parseScript(basename(file, ".lua"), readFileSync(join(from, phase, file), "utf8"), shared),
      );
    }
  }
  return scripts;
}

export function generate(from = luaRoot): string {
  const types = ["RedisArg", "RedisCallOptions", "RedisCommands", "RedisKey", "RedisReply", "ScriptSource"];
  const bindings = readScripts(from).map(binding).join("\n");
  const used = types.filter((type) => new RegExp(`\\b${type}\\b`).test(bindings));
  return `// Generated by scripts/gen-lua.ts from lua/; do not edit.
import type { ${used.join(", ")} } from "./redis-commands.ts";

${bindings}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const text = generate();
  const stale = !existsSync(bindingsFile) || readFileSync(bindingsFile, "utf8") !== text;
  if (!process.argv.includes("--check")) writeFileSync(bindingsFile, text);
  else if (stale) {
    console.error("src/engine/redis/scripts.gen.ts is stale: run npm run gen");
    process.exitCode = 1;
  }
}
