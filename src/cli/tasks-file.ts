import type { AnyTaskDefinition } from "titanqueue";
import { isTaskDefinition } from "../define-task.ts";
import { Refusal } from "./ending.ts";
import { findUserFile, importUserFile } from "./user-file.ts";

/**
 * The task definitions that a file exports, by whatever names.
 *
 * @throws {@link LoadFailure} the file cannot be compiled, or throws.
 * @throws {@link Refusal} there is no such file, or it exports none, or two of one type.
 */
export async function loadTasksFile(given: string): Promise<AnyTaskDefinition[]> {
  const exported = await importUserFile(findUserFile(given, "tasks"), given);
  // Files in CommonJS have their exports one level further down.
  const inner = exported["default"];
  const all = [...Object.values(exported), ...(isRecord(inner) ? Object.values(inner) : [])];
  const definitions = [...new Set(all.filter(isTaskDefinition))];
  if (definitions.length === 0) {
    throw new Refusal(
      `${given} exports no task; write \`export const welcome = defineTask("email:welcome")\``,
    );
  }
  for (const { type } of definitions) {
    if (definitions.filter((each) => each.type === type).length > 1) {
      throw new Refusal(`${given} exports two definitions of ${type}; leave one of them out`);
    }
  }
  return definitions;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
