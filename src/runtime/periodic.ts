import type { Component } from "./component.ts";
import type { Logger } from "./logger.ts";
import type { Runtime } from "./runtime.ts";

export interface PeriodicOptions {
  /** Milliseconds between the end of a tick and the next one; asked anew each time when it is a function. */
  every: number | (() => number);
  /** One round of work. What it throws is logged, and the loop goes on. `signal` aborts when the part stops. */
  tick: (signal: AbortSignal) => Promise<void>;
  /** Run the first tick at once instead of after one period. */
  immediately?: boolean;
  /** Last act of `stop()`, after the loop has ended. */
  onStop?: () => Promise<void>;
  runtime: Pick<Runtime, "clock">;
  logger: Logger;
}

/** A periodic part; `wake()` begins its next tick ahead of time. */
export interface PeriodicComponent extends Component {
  wake(): void;
}

/** Owns the loop once: ticks never overlap, a failed tick is logged and survived, `stop()` waits for the last one. */
export function periodic(name: string, options: PeriodicOptions): PeriodicComponent {
  const { tick, runtime, logger } = options;
  const stopping = new AbortController();
  let woken = false;
  let endRest: () => void = () => undefined;
  let loop: Promise<void> | undefined;
  let stopped: Promise<void> | undefined;

  async function run(): Promise<void> {
    if (!options.immediately) await rest();
    while (!stopping.signal.aborted) {
      woken = false;
      try {
        await tick(stopping.signal);
      } catch (error) {
        if (!stopping.signal.aborted) logger.error({ component: name, error }, "tick failed; going on");
      }
      await rest();
    }
  }

  function rest(): Promise<void> {
    if (woken || stopping.signal.aborted) return Promise.resolve();
    const every = typeof options.every === "function" ? options.every() : options.every;
    return new Promise((resolve) => {
      const cancel = runtime.clock.setTimer(every, () => endRest());
      endRest = () => {
        cancel();
        resolve();
      };
    });
  }

  async function finish(): Promise<void> {
    await loop;
    try {
      await options.onStop?.();
    } catch (error) {
      logger.warn({ component: name, error }, "did not stop cleanly");
    }
  }

  return {
    name,
    start: async () => {
      if (!stopping.signal.aborted) loop ??= run();
    },
    stop: () => {
      stopping.abort();
      endRest();
      stopped ??= loop === undefined ? Promise.resolve() : finish();
      return stopped;
    },
    wake: () => {
      woken = true;
      endRest();
    },
  };
}
