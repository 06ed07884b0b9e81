import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { Refusal } from "./ending.ts";

/**
 * What has to be loaded before a TypeScript file; `undefined`: nothing. Node.js 22.18 and newer run TypeScript by
 * themselves, by leaving the types out; below, tsx does, as installed beside the file or beside this package.
 *
 * @throws {@link Refusal} neither is there.
 */
export function findTypeScript(path: string, shown: string): string | undefined {
  const { typescript } = process.features as { readonly typescript?: unknown };
  if (!/\.[cm]?ts$/.test(path) || typescript) return undefined;
  const tsx = resolveFrom(path) ?? resolveFrom(import.meta.url);
  if (tsx !== undefined) return pathToFileURL(tsx).href;
  const { node } = process.versions;
  throw new Refusal(
    `${shown} is TypeScript, which Node.js ${node} needs tsx for: npm install tsx (Node.js 22.18 needs nothing)`,
  );
}

/** Makes this process run that file. @throws as {@link findTypeScript} */
export async function enableTypeScript(path: string, shown: string): Promise<void> {
  const loader = findTypeScript(path, shown);
  if (loader !== undefined) await import(loader);
}

function resolveFrom(place: string): string | undefined {
  try {
    return createRequire(place).resolve("tsx");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "MODULE_NOT_FOUND") return undefined;
    throw error;
  }
}
