import { readdirSync } from "node:fs";
import { basename, dirname, extname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { suggestion } from "../suggestion.ts";
import { LoadFailure, Refusal } from "./ending.ts";
import { EXTENSIONS } from "./extensions.ts";
import { statOf } from "./stat-of.ts";
import { enableTypeScript } from "./typescript.ts";

/** What a file is to have: `worker`, `tasks`. */
export type FileUse = "worker" | "tasks";

/** The absolute path of a program file of the user. @throws {@link Refusal} there is no such file. */
export function findUserFile(given: string, use: FileUse): string {
  const path = resolve(given);
  const stats = statOf(path);
  if (stats === undefined) throw new Refusal(`there is no file ${given}${likelyName(path)}`);
  if (!stats.isFile()) throw new Refusal(`${given} is not a file; name the one that exports the ${use}`);
  if (EXTENSIONS.includes(extname(path))) return path;
  const kind = use === "worker" ? "a worker file" : "a file of tasks";
  throw new Refusal(`${given} is not ${kind}; expected one of ${EXTENSIONS.join(" ")}`);
}

function likelyName(path: string): string {
  const directory = dirname(path);
  if (!statOf(directory)?.isDirectory()) return "";
  const names = readdirSync(directory).filter((name) => EXTENSIONS.includes(extname(name)));
  const plain = names.find((name) => basename(name, extname(name)) === basename(path, extname(path)));
  return plain === undefined ? suggestion(basename(path), names) : ` (did you mean "${plain}"?)`;
}

/**
 * Loads a file and answers what it exports. `shown` is how the user calls it.
 *
 * @throws {@link LoadFailure} the file cannot be compiled, or throws.
 * @throws {@link Refusal} it is TypeScript and nothing here runs that.
 */
export async function importUserFile(
  path: string,
  shown: string,
): Promise<Readonly<Record<string, unknown>>> {
  await enableTypeScript(path, shown);
  try {
    return await import(pathToFileURL(path).href);
  } catch (error) {
    throw new LoadFailure(shown, error);
  }
}
