import { isApiError } from "./api-error.ts";
import { call } from "./call.ts";
import type { Operation } from "./types.ts";

/** Milliseconds between two looks at an operation that runs. */
export const LOOK = 400;

/**
 * Resolves once an operation has ended. Somebody waits for it: so it is asked for also while live updates are paused.
 *
 * @throws {@link ApiError} the monitor knows nothing of it any more.
 */
export async function ended(begun: Operation): Promise<Operation> {
  let operation = begun;
  while (operation.status === "running") {
    await new Promise((resolve) => setTimeout(resolve, LOOK));
    try {
      operation = await call("GET /api/operations/{id}", { params: { id: begun.id } });
    } catch (error) {
      if (!isApiError(error) || !error.mayPass) throw error;
    }
  }
  return operation;
}
