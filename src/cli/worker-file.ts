import type { WorkerDefinition } from "titanqueue";
import { isWorker } from "../worker-brand.ts";
import { Refusal } from "./ending.ts";
import { importUserFile } from "./user-file.ts";

/**
 * Loads a worker file and answers its default export. `shown` is how the user calls the file.
 *
 * @throws {@link LoadFailure} the file cannot be compiled, or throws.
 * @throws {@link Refusal} it exports something else, or is TypeScript and nothing here runs that.
 */
export async function loadWorkerFile(path: string, shown: string): Promise<WorkerDefinition> {
  const exported = await importUserFile(path, shown);
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
