import { EXIT, type ExitCode } from "./exit-codes.ts";
import type { Session } from "./session.ts";
import { told } from "./told-error.ts";

/**
 * Does the same for each of several names, in order. What fails is told and stops nothing; the exit code is then that of
 * the failure, or 1 where some succeeded.
 */
export async function each<T>(
  { out, place }: Pick<Session, "out" | "place">,
  names: readonly string[],
  run: (name: string) => Promise<T>,
): Promise<{ readonly items: T[]; readonly code: ExitCode }> {
  const items: T[] = [];
  let code: ExitCode = EXIT.ok;
  for (const name of names) {
    try {
      items.push(await run(name));
    } catch (error) {
      const problem = told(error, place);
      // A bug, and an engine that is not there, will meet the next name as well.
      if (problem.code === "INTERNAL" || problem.code === "ENGINE_UNAVAILABLE") throw error;
      if (names.length === 1) throw error;
      out.error(problem);
      code = problem.exit;
    }
  }
  return { items, code: code !== EXIT.ok && items.length > 0 ? EXIT.failed : code };
}
