import { Server, TitanQueueError, type WorkerDefinition } from "titanqueue";
import { Failure } from "./ending.ts";
import { chooseUrl } from "./engine-url.ts";
import type { ExitCode } from "./exit-codes.ts";
import { serveHealth } from "./health-endpoint.ts";
import { findWorkerFile, loadWorkerFile } from "./worker-file.ts";

export interface WorkerCommandOptions {
  readonly url?: string;
  readonly healthPort?: number;
  readonly healthHost: string;
}

/** `titanqueue worker`: runs a worker file until a signal comes; resolves with the exit code of `Server.run()`. */
export async function runWorker(file: string, options: WorkerCommandOptions): Promise<ExitCode> {
  const path = findWorkerFile(file);
  const url = chooseUrl(options.url);
  const worker = await loadWorkerFile(path, file);
  const server = new Server(url, worker.server);
  const { healthHost: host, healthPort: port } = options;
  if (port !== undefined) {
    const address = await serveHealth({ host, port, health: () => server.health() });
    process.stderr.write(`titanqueue: health at ${address}\n`);
  }
  return serve(server, worker);
}

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
