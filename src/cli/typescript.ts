import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { Refusal } from "./ending.ts";

/**
 * Makes this process run a TypeScript file. Node.js 22.18 and newer do so by themselves, by leaving the types out;
 * below, tsx does, as installed beside the file or beside this package.
 *
 * @throws {@link Refusal} neither is there.
 */
export async function enableTypeScript(path: string, shown: string): Promise<void> {
  const { typescript } = process.features as { readonly typescript?: unknown };
  if (!/\.[cm]?ts$/.test(path) || typescript) return;
  const tsx = resolveFrom(path) ?? resolveFrom(import.meta.url);
  if (tsx === undefined) {
    const { node } = process.versions;
    throw new Refusal(
      `${shown} is TypeScript, which Node.js ${node} needs tsx for: npm install tsx (Node.js 22.18 needs nothing)`,
    );
  }
  await import(pathToFileURL(tsx).href);
}

function resolveFrom(place: string): string | undefined {
  try {
    return createRequire(place).resolve("tsx");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "MODULE_NOT_FOUND") return undefined;
    throw error;
  }
}
