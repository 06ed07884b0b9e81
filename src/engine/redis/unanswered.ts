import { EngineUnavailableError } from "../../errors.ts";
import { UnansweredError } from "./redis-commands.ts";

/** What a lost answer is above the engine: no answer. The caller repeats, and the fence decides. */
export function doorError(error: unknown): unknown {
  if (!(error instanceof UnansweredError)) return error;
  return new EngineUnavailableError("Redis did not answer", { cause: error }, true);
}

/** The same failure, of a call that had done a part of what it was to do. */
export function inDoubt(error: unknown): unknown {
  if (!(error instanceof EngineUnavailableError)) return error;
  return new EngineUnavailableError(error.message, { cause: error }, true);
}

/** The reply, or the error that may leave the engine. */
export async function answered<T>(reply: Promise<T>): Promise<T> {
  try {
    return await reply;
  } catch (error) {
    throw doorError(error);
  }
}
