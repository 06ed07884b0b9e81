/**
 * Checks who imports whom against the table of doors in ARCHITECTURE.md:
 *
 *     tsx scripts/check-doors.ts
 *
 * A room is a folder of `src/`, or one file at its root. Arrows point down: a room imports only what its door admits,
 * and no file needs itself to be loaded first (types of neighbours may name each other). Time and chance are reached
 * through `runtime/` alone.
 */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

interface Door {
  /** Rooms of which anything may be imported. `root` stands for all small files at the root. */
  readonly rooms?: readonly string[];
  /** Rooms of which only types may be imported. */
  readonly types?: readonly string[];
  readonly packages?: readonly string[];
}

/** Files at the root that are rooms of their own; the others make up the room `root`. */
const OWN_ROOMS = [
  "errors.ts",
  "duration.ts",
  "suggestion.ts",
  "shown-value.ts",
  "create-engine.ts",
  "define-worker.ts",
  "index.ts",
];
const SMALL_FILES = ["root", "errors.ts", "duration.ts", "suggestion.ts", "shown-value.ts"];
const ENGINE = ["broker", "protocol", "runtime", "engine", "errors.ts", "duration.ts", "suggestion.ts"];
const UPPER = [...SMALL_FILES, "broker", "protocol", "runtime", "create-engine.ts"];

const DOORS: Readonly<Record<string, Door>> = {
  "errors.ts": {},
  "shown-value.ts": {},
  "duration.ts": { rooms: ["errors.ts", "shown-value.ts"] },
  "suggestion.ts": { rooms: ["errors.ts"] },
  root: {
    rooms: ["errors.ts", "duration.ts", "suggestion.ts", "shown-value.ts"],
    types: ["broker", "protocol"],
    packages: ["@standard-schema/spec"],
  },
  runtime: { rooms: ["errors.ts"] },
  protocol: { rooms: ["errors.ts"], types: ["root"] },
  broker: { types: ["protocol", "runtime", "duration.ts"] },
  engine: { rooms: ["broker", "runtime", "errors.ts", "duration.ts", "suggestion.ts"] },
  "engine/embedded": { rooms: ENGINE },
  "engine/memory": { rooms: [...ENGINE, "engine/embedded"] },
  "engine/sqlite": { rooms: [...ENGINE, "engine/embedded"] },
  "engine/redis": { rooms: ENGINE, packages: ["ioredis"] },
  "create-engine.ts": {
    rooms: [...SMALL_FILES, "broker", "runtime", "engine", "engine/memory", "engine/redis", "engine/sqlite"],
  },
  client: { rooms: UPPER },
  inspector: { rooms: [...UPPER, "client"] },
  server: { rooms: [...UPPER, "client"] },
  scheduler: { rooms: [...UPPER, "client"], packages: ["croner"] },
  "define-worker.ts": { rooms: [...SMALL_FILES, "server"], types: ["scheduler"] },
  testing: {
    rooms: [
      ...UPPER,
      "client",
      "inspector",
      "server",
      "define-worker.ts",
      "engine/embedded",
      "engine/memory",
    ],
  },
  metrics: { rooms: [...SMALL_FILES, "runtime", "index.ts"], packages: ["prom-client"] },
  monitor: {
    rooms: [...SMALL_FILES, "runtime", "index.ts", "metrics"],
    packages: ["hono", "@hono/node-server"],
  },
  cli: {
    rooms: [...SMALL_FILES, "runtime"],
    packages: ["titanqueue", "titanqueue/monitor", "cli-table3", "commander", "picocolors", "string-width"],
  },
  "index.ts": {
    rooms: [
      ...UPPER,
      "client",
      "inspector",
      "server",
      "scheduler",
      "define-worker.ts",
      "engine/memory",
      "engine/redis",
      "engine/sqlite",
    ],
  },
};

interface Import {
  readonly specifier: string;
  readonly typeOnly: boolean;
  readonly line: number;
}

/** What is wrong with a tree of sources (path below `src/` to text), one line each. */
export function checkDoors(sources: ReadonlyMap<string, string>): string[] {
  const complaints: string[] = [];
  const graph = new Map<string, string[]>();
  for (const [path, text] of sources) {
    const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
    const targets: string[] = [];
    graph.set(path, targets);
    const complain = (line: number, what: string) => complaints.push(`src/${path}:${line}: ${what}`);
    const room = roomOf(path);
    const door = DOORS[room];
    if (door === undefined) {
      complain(1, `the room ${room} has no door; add it to scripts/check-doors.ts and ARCHITECTURE.md`);
      continue;
    }
    for (const found of importsOf(file)) {
      const target = found.specifier.startsWith(".")
        ? posix.join(posix.dirname(path), found.specifier)
        : undefined;
      if (target !== undefined && sources.has(target) && !found.typeOnly) targets.push(target);
      const refusal = refuse(room, door, found, target, sources);
      if (refusal !== undefined) complain(found.line, refusal);
    }
    if (room !== "runtime") {
      for (const { line, what } of clocksIn(file))
        complain(line, `${what} belongs to runtime/; ask the Runtime`);
    }
  }
  return [...complaints, ...cycles(graph)];
}

function refuse(
  room: string,
  door: Door,
  { specifier, typeOnly }: Import,
  target: string | undefined,
  sources: ReadonlyMap<string, string>,
): string | undefined {
  if (target === undefined) {
    if (specifier.startsWith("node:") || door.packages?.includes(specifier)) return undefined;
    return `${room} may not import the package ${specifier}`;
  }
  if (!sources.has(target)) return `imports ${target}, which does not exist`;
  const other = roomOf(target);
  if (other === room || door.rooms?.includes(other)) return undefined;
  if (!door.types?.includes(other)) return `${room} may not import ${other} (${target})`;
  return typeOnly ? undefined : `${room} may import only types of ${other}; write \`import type\``;
}

function roomOf(path: string): string {
  const [first = "", second = "", third] = path.split("/");
  if (second === "") return OWN_ROOMS.includes(first) ? first : "root";
  return first === "engine" && third !== undefined ? `engine/${second}` : first;
}

function importsOf(file: ts.SourceFile): Import[] {
  const found: Import[] = [];
  const add = (specifier: ts.Expression | undefined, typeOnly: boolean) => {
    if (specifier === undefined || !ts.isStringLiteral(specifier)) return;
    found.push({ specifier: specifier.text, typeOnly, line: lineOf(file, specifier) });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, node.importClause?.isTypeOnly ?? false);
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly);
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument))
      add(node.argument.literal as ts.Expression, true);
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
      add(node.arguments[0], false);
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

const TIMERS = new Set(["setTimeout", "setInterval", "clearTimeout", "clearInterval"]);
const CLOCKS = new Set(["Date.now", "performance.now", "Math.random", "process.hrtime"]);

/** Where a file looks at a clock, sets a timer or draws a number itself. */
function clocksIn(file: ts.SourceFile): { readonly line: number; readonly what: string }[] {
  const found: { line: number; what: string }[] = [];
  const visit = (node: ts.Node): void => {
    const note = (what: string) => found.push({ line: lineOf(file, node), what });
    if (ts.isCallExpression(node)) {
      const callee = node.expression.getText(file);
      if (TIMERS.has(callee) || CLOCKS.has(callee)) note(`${callee}()`);
    } else if (
      ts.isNewExpression(node) &&
      node.expression.getText(file) === "Date" &&
      !node.arguments?.length
    ) {
      note("new Date()");
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

function lineOf(file: ts.SourceFile, node: ts.Node): number {
  return file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1;
}

/** Each way on which a file leads back to itself, told once. */
function cycles(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const walk = (file: string, way: readonly string[]): void => {
    const start = way.indexOf(file);
    if (start !== -1) {
      found.push(`a cycle: ${[...way.slice(start), file].join(" -> ")}`);
      return;
    }
    if (done.has(file)) return;
    for (const next of graph.get(file) ?? []) walk(next, [...way, file]);
    done.add(file);
  };
  for (const file of graph.keys()) walk(file, []);
  return found;
}

function main(): void {
  const root = join(dirname(fileURLToPath(import.meta.url)), "../src");
  const paths = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((path) =>
    path.endsWith(".ts"),
  );
  const complaints = checkDoors(new Map(paths.map((path) => [path, readFileSync(join(root, path), "utf8")])));
  for (const complaint of complaints) console.error(complaint);
  if (complaints.length > 0) process.exitCode = 1;
  else console.log(`doors: ${paths.length} files keep to them`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
