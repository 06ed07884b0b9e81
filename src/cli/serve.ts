import { type Server, TitanQueueError, type WorkerDefinition } from "titanqueue";
import { Failure } from "./ending.ts";
import type { ExitCode } from "./exit-codes.ts";

/**
 * Runs a server until it has shut down.
 *
 * @throws {@link Failure} it could not start, for a reason that its text tells. Whatever else it throws is an error in
 * somebody's code, to be shown with its place.
 */
export async function serve(server: Server, { mux }: WorkerDefinition): Promise<ExitCode> {
  let crashed = false;
  process.once("uncaughtExceptionMonitor", () => {
    crashed = true;
  });
  try {
    return await server.run(mux);
  } catch (error) {
    if (crashed || !(error instanceof TitanQueueError)) throw error;
    throw new Failure(error.message, { cause: error });
  }
}
