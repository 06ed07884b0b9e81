import { InvalidOptionError } from "../errors.ts";
import type { Logger } from "../runtime/logger.ts";
import { suggestion } from "../suggestion.ts";
import type { Aggregated } from "./group-aggregation.ts";
import { guarded } from "./guarded.ts";
import type { ShutdownResult } from "./shutdown-clock.ts";

/** Which attempt an event is about. */
export type AttemptFacts = {
  readonly taskId: string;
  readonly type: string;
  readonly queue: string;
  /** Counts from 1. */
  readonly attempt: number;
};

/** Why an attempt ended as it did. */
export type SettleCause =
  | "success"
  | "revoked"
  | "error"
  | "timeout"
  | "canceled"
  | "retry-later"
  | "invalid"
  | "exhausted"
  | "skip-retry"
  | "lease-expired"
  | "limit"
  | "shutdown";

export type TaskSettled = AttemptFacts & {
  /** Where the task went: deleted, kept as completed, or onwards. */
  readonly outcome: "done" | "completed" | "retry" | "archive" | "drop" | "requeue";
  readonly cause: SettleCause;
  /** From `taskStarted`; `undefined` when it was not begun here: another, dead server had run it, or a shutdown came first. */
  readonly durationMs: number | undefined;
  /**
   * How long the task had been pending when this attempt began, by the engine's clock; a delay before that does not count.
   * `undefined` also where the answer of the store that granted the task was lost.
   */
  readonly waitMs: number | undefined;
};

/** What a server tells while it runs. */
export interface ServerEventMap {
  /**
   * An attempt begins: its handler is called, unless its payload is invalid or its deadline has passed already.
   * `taskSettled` or `leaseLost` follows.
   */
  taskStarted: AttemptFacts;
  /** The store has recorded how an attempt ended. */
  taskSettled: TaskSettled;
  /** An attempt is no longer ours: nothing that it did is recorded, and the task may run elsewhere. */
  leaseLost: AttemptFacts;
  /** Tasks of a group were replaced by their aggregate. */
  aggregated: Aggregated;
  /** An aggregator failed, or its task could not be stored: the tasks return to their group, and are tried again later. */
  aggregationFailed: { readonly queue: string; readonly group: string; readonly error: unknown };
  /** The store became reachable, or stopped being so. */
  engine: { readonly state: "available" } | { readonly state: "unavailable"; readonly error: Error };
  /** The server has shut down. */
  shutdown: ShutdownResult;
}

export type ServerEvent = keyof ServerEventMap;

const EVENTS = Object.keys({
  taskStarted: true,
  taskSettled: true,
  leaseLost: true,
  aggregated: true,
  aggregationFailed: true,
  engine: true,
  shutdown: true,
} satisfies Record<ServerEvent, true>);

type Listener = (event: never) => unknown;

/** Tells listeners, of which none can do harm: what one throws is logged, and the next one is called. */
export class ServerEvents {
  readonly #listeners = new Map<ServerEvent, Set<Listener>>();
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  on<E extends ServerEvent>(event: E, listener: (event: ServerEventMap[E]) => unknown): () => void {
    if (!EVENTS.includes(event)) {
      throw new InvalidOptionError(
        "event",
        `a server tells no ${JSON.stringify(event)}${suggestion(String(event), EVENTS)}`,
      );
    }
    if (typeof listener !== "function") throw new InvalidOptionError("listener", "expected a function");
    // A function of its own, so that one listener may be added twice and removed once.
    const entry: Listener = (value) => listener(value);
    const listeners = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, listeners.add(entry));
    return () => {
      listeners.delete(entry);
      if (listeners.size === 0 && this.#listeners.get(event) === listeners) this.#listeners.delete(event);
    };
  }

  /** Whether anybody listens: ask before building an event. */
  heard(event: ServerEvent): boolean {
    return this.#listeners.has(event);
  }

  emit<E extends ServerEvent>(event: E, value: ServerEventMap[E]): void {
    const listeners = this.#listeners.get(event);
    if (listeners === undefined) return;
    for (const listener of [...listeners]) {
      guarded(this.#logger, `listener of "${event}"`, () => listener(value as never));
    }
  }
}
