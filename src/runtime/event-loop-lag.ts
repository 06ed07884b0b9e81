import { monitorEventLoopDelay } from "node:perf_hooks";

/** Milliseconds that the event loop came round too late since it was read last, or since it is measured. */
export interface EventLoopLag {
  readonly p99: number;
  readonly max: number;
}

export interface EventLoopLagMeter {
  /** Begins anew. */
  read(): EventLoopLag;
  stop(): void;
}

/**
 * Handlers that compute without a pause hold up whatever else a process has to do in time. Measured by a timer of Node's
 * that runs no JavaScript, and keeps no process alive.
 *
 * @param resolution - milliseconds between two looks at the clock; lags below it are not seen
 */
export function measureEventLoopLag(resolution: number): EventLoopLagMeter {
  const delay = monitorEventLoopDelay({ resolution });
  delay.enable();
  // What is measured, in nanoseconds, is from one look to the next.
  const late = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - resolution);
  return {
    read() {
      const lag = { p99: late(delay.percentile(99)), max: late(delay.max) };
      delay.reset();
      return lag;
    },
    stop: () => void delay.disable(),
  };
}
