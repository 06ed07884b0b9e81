import type { Logger } from "../runtime/logger.ts";
import { isThenable } from "../runtime/thenable.ts";
import { errorFields } from "./error-text.ts";

/**
 * Calls code of the user's that stands beside a task, not in it (a listener, a policy, a callback), so that it cannot
 * harm ours: what it throws, or rejects with later, is logged, and the answer is `undefined`.
 */
export function guarded<T>(logger: Logger, what: string, call: () => T): T | undefined {
  const failed = (error: unknown): undefined => {
    logger.error(errorFields(error), `${what} failed`);
  };
  try {
    const answer = call();
    if (isThenable(answer)) answer.then(undefined, failed);
    return answer;
  } catch (error) {
    return failed(error);
  }
}
