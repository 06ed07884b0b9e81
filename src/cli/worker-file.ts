import { readdirSync } from "node:fs";
import { basename, dirname, extname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { WorkerDefinition } from "titanqueue";
import { suggestion } from "../suggestion.ts";
import { isWorker } from "../worker-brand.ts";
import { LoadFailure, Refusal } from "./ending.ts";
import { EXTENSIONS } from "./extensions.ts";
import { statOf } from "./stat-of.ts";
import { enableTypeScript } from "./typescript.ts";

/** The absolute path of a worker file. @throws {@link Refusal} there is no such file. */
export function findWorkerFile(given: string): string {
  const path = resolve(given);
  const stats = statOf(path);
  if (stats === undefined) throw new Refusal(`there is no file ${given}${likelyName(path)}`);
  if (!stats.isFile()) throw new Refusal(`${given} is not a file; name the one that exports the worker`);
  if (EXTENSIONS.includes(extname(path))) return path;
  throw new Refusal(`${given} is not a worker file; expected one of ${EXTENSIONS.join(" ")}`);
}

function likelyName(path: string): string {
  const directory = dirname(path);
  if (!statOf(directory)?.isDirectory()) return "";
  const names = readdirSync(directory).filter((name) => EXTENSIONS.includes(extname(name)));
  const plain = names.find((name) => basename(name, extname(name)) === basename(path, extname(path)));
  return plain === undefined ? suggestion(basename(path), names) : ` (did you mean "${plain}"?)`;
}

/**
 * Loads a worker file and answers its default export. `shown` is how the user calls the file.
 *
 * @throws {@link LoadFailure} the file cannot be compiled, or throws.
 * @throws {@link Refusal} it exports something else, or is TypeScript and nothing here runs that.
 */
export async function loadWorkerFile(path: string, shown: string): Promise<WorkerDefinition> {
  await enableTypeScript(path, shown);
  let exported: Readonly<Record<string, unknown>>;
  try {
    exported = await import(pathToFileURL(path).href);
  } catch (error) {
    throw new LoadFailure(shown, error);
  }
  // A CommonJS file that was compiled from `export default` has it one level further down.
  const inner = exported["default"] as { readonly default?: unknown } | null | undefined;
  for (const candidate of [inner, inner?.default]) {
    if (isWorker(candidate)) return candidate as WorkerDefinition;
  }
  throw new Refusal(`${shown} does not export a worker: ${remedy(exported)}`);
}

function remedy(exported: Readonly<Record<string, unknown>>): string {
  const name = Object.keys(exported).find((key) => isWorker(exported[key]));
  if (name !== undefined) return `"${name}" is one; export it with \`export default ${name}\``;
  if (exported["default"] === undefined) return "end it with `export default defineWorker({ mux })`";
  return "its default export is something else; write `export default defineWorker({ mux })`";
}
