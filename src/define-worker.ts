import { InvalidOptionError } from "./errors.ts";
import type { Scheduler } from "./scheduler/scheduler.ts";
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
  /**
   * Registers periodic tasks. With it, the commands run a scheduler beside the server; any number of processes may run
   * the same file, and each tick is enqueued once.
   */
  schedule?: ((scheduler: Scheduler) => void | Promise<void>) | undefined;
}

/** A worker file's default export; made by {@link defineWorker}. */
export interface WorkerDefinition {
  /** @internal */
  readonly [workerBrand]: true;
  readonly mux: ServeMux | Handler;
  readonly server: ServerOptions;
  readonly schedule: WorkerOptions["schedule"];
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
 *   schedule: async (scheduler) => {
 *     await scheduler.register("0 9 * * MON-FRI", dailyReport(), { timezone: "Europe/Berlin" });
 *   },
 * });
 */
export function defineWorker(options: WorkerOptions): WorkerDefinition {
  requireKnownNames("a worker", options, ["mux", "server", "schedule"]);
  const { mux, server = {}, schedule } = options;
  routerOf(mux, "mux");
  checkServerOptions(server);
  if (schedule !== undefined && typeof schedule !== "function") {
    throw new InvalidOptionError("schedule", "expected a function that takes a scheduler");
  }
  return Object.freeze({ [workerBrand]: true as const, mux, server, schedule });
}
