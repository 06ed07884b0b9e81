import { Scheduler, type Server, TitanQueueError, type WorkerDefinition } from "titanqueue";
import { Failure } from "./ending.ts";
import type { ExitCode } from "./exit-codes.ts";

/**
 * Runs a server until it has shut down, and beside it a scheduler if the worker has something to schedule.
 *
 * @throws {@link Failure} it could not start, for a reason that its text tells. Whatever else it throws is an error in
 * somebody's code, to be shown with its place.
 */
export async function serve(
  server: Server,
  url: string | undefined,
  worker: WorkerDefinition,
): Promise<ExitCode> {
  const { mux, schedule } = worker;
  let crashed = false;
  process.once("uncaughtExceptionMonitor", () => {
    crashed = true;
  });
  let scheduler: Scheduler | undefined;
  try {
    if (schedule !== undefined) {
      const { logger, logLevel, commandTimeout, runtime } = worker.server;
      scheduler = new Scheduler(url, { logger, logLevel, commandTimeout, runtime });
      await schedule(scheduler);
      await scheduler.start();
    }
    return await server.run(mux);
  } catch (error) {
    if (crashed || !(error instanceof TitanQueueError)) throw error;
    throw new Failure(error.message, { cause: error });
  } finally {
    await scheduler?.shutdown();
  }
}
