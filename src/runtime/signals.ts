/** Where signals come from: the process, or a test's stand-in. */
export interface SignalSource {
  on(signal: NodeJS.Signals, listener: () => void): unknown;
  off(signal: NodeJS.Signals, listener: () => void): unknown;
}

export interface SignalActions {
  /** SIGTSTP: take no more work. */
  stop(): void;
  /** The first SIGTERM or SIGINT. */
  shutdown(signal: NodeJS.Signals): void;
  /** Each further one. */
  hurry(signal: NodeJS.Signals): void;
}

/** Windows knows no SIGTSTP. */
const STOP: readonly NodeJS.Signals[] = process.platform === "win32" ? [] : ["SIGTSTP"];
const SHUTDOWN: readonly NodeJS.Signals[] = ["SIGTERM", "SIGINT"];

/** Acts on signals until the answer is called; from then on they do what they do by default. */
export function onSignals(source: SignalSource, actions: SignalActions): () => void {
  let shuttingDown = false;
  const listeners = new Map<NodeJS.Signals, () => void>();
  for (const signal of STOP) listeners.set(signal, () => actions.stop());
  for (const signal of SHUTDOWN) {
    listeners.set(signal, () => {
      if (shuttingDown) actions.hurry(signal);
      else actions.shutdown(signal);
      shuttingDown = true;
    });
  }
  for (const [signal, listener] of listeners) source.on(signal, listener);
  return () => {
    for (const [signal, listener] of listeners) source.off(signal, listener);
  };
}
