import type { Handler } from "./server/handler.ts";
import { routerOf, type ServeMux } from "./server/serve-mux.ts";
import { checkServerOptions, type ServerOptions } from "./server/server-options.ts";
import { requireKnownNames } from "./suggestion.ts";
import { workerBrand } from "./worker-brand.ts";

export interface WorkerOptions {
  /** What runs the tasks: a mux, or one function for all types. */
  mux: ServeMux | Handler;
  /** How they are run. @defaultValue the defaults of {@link ServerOptions} */
  server?: ServerOptions | undefined;
}

/** A worker file's default export; made by {@link defineWorker}. */
export interface WorkerDefinition {
  /** @internal */
  readonly [workerBrand]: true;
  readonly mux: ServeMux | Handler;
  readonly server: ServerOptions;
}

/**
 * Says what a worker file is for. The file starts nothing itself: `titanqueue dev` and `titanqueue worker` choose the
 * engine, run the server and listen to signals.
 *
 * @throws {@link InvalidOptionError} there is no mux, or an option is unknown or not acceptable.
 * @example
 * export default defineWorker({
 *   mux: new ServeMux().handle(welcomeEmail, sendWelcome),
 *   server: { concurrency: 10, queues: { critical: 6, default: 3 } },
 * });
 */
export function defineWorker(options: WorkerOptions): WorkerDefinition {
  requireKnownNames("a worker", options, ["mux", "server"]);
  const { mux, server = {} } = options;
  routerOf(mux, "mux");
  checkServerOptions(server);
  return Object.freeze({ [workerBrand]: true as const, mux, server });
}
