import { Server } from "titanqueue";
import { chooseUrl } from "./engine-url.ts";
import type { ExitCode } from "./exit-codes.ts";
import { serveHealth } from "./health-endpoint.ts";
import { serve } from "./serve.ts";
import { findUserFile } from "./user-file.ts";
import { loadWorkerFile } from "./worker-file.ts";

export interface WorkerCommandOptions {
  readonly url?: string;
  readonly healthPort?: number;
  readonly healthHost: string;
}

/** `titanqueue worker`: runs a worker file until a signal comes; resolves with the exit code of `Server.run()`. */
export async function runWorker(file: string, options: WorkerCommandOptions): Promise<ExitCode> {
  const path = findUserFile(file, "worker");
  const url = chooseUrl(options.url);
  const worker = await loadWorkerFile(path, file);
  const server = new Server(url, worker.server);
  const { healthHost: host, healthPort: port } = options;
  if (port !== undefined) {
    const address = await serveHealth({ host, port, health: () => server.health() });
    process.stderr.write(`titanqueue: health at ${address}\n`);
  }
  return serve(server, url, worker);
}
