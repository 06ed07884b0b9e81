import type { Broker } from "../broker/broker.ts";
import type { Logger } from "../runtime/logger.ts";
import { type PeriodicComponent, periodic } from "../runtime/periodic.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { EngineState } from "./engine-state.ts";
import type { ServerTimings } from "./server-timings.ts";
import type { TaskRunner } from "./task-runner.ts";

export interface SubscriberOptions {
  readonly broker: Pick<Broker, "subscribeCancelations">;
  readonly runner: Pick<TaskRunner, "cancel">;
  readonly engineState: EngineState;
  readonly timings: Pick<ServerTimings, "subscribe">;
  readonly runtime: Runtime;
  readonly logger: Logger;
}

/** Listens for cancelations, from whichever tool, and aborts the task if it runs here. Tries until it can listen. */
export function subscriber(options: SubscriberOptions): PeriodicComponent {
  const { broker, runner, engineState, timings, runtime, logger } = options;
  let unsubscribe: (() => Promise<void>) | undefined;

  function onCancel(taskId: string): void {
    if (runner.cancel(taskId)) logger.info({ taskId }, "task canceled");
  }

  return periodic("subscriber", {
    every: timings.subscribe,
    immediately: true,
    tick: async () => {
      unsubscribe ??= await engineState.call(() => broker.subscribeCancelations(onCancel));
    },
    onStop: async () => {
      await unsubscribe?.();
    },
    runtime,
    logger,
  });
}
