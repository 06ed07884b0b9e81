import { InvalidOptionError } from "../errors.ts";
import type { Handler } from "../server/handler.ts";
import type { ServeMux } from "../server/serve-mux.ts";
import type { ServerOptions } from "../server/server-options.ts";
import { requireKnownNames } from "../suggestion.ts";
import type { Instant } from "../task-options.ts";

export interface TestQueueOptions {
  /** What runs the tasks: a mux, or one function for all types. Without it nothing can be performed. */
  mux?: ServeMux | Handler | undefined;
  /**
   * The server that the tasks would meet. Of its options these count: `retryDelay`, `isFailure`, `errorHandler`,
   * `cancelPolicy`, `abortGrace`, those of groups, `logger` and `logLevel`; the others are checked.
   */
  server?: ServerOptions | undefined;
  /** `enqueue` of the kit's client runs the task at once, and answers when it has ended. @defaultValue false */
  inline?: boolean | undefined;
  /**
   * Where the tasks lie: `"memory:"` or `"memory:name"`, for code that makes a client of its own from such a URL. That
   * client reads the real clock, so the kit's goes along with it. Begin each test with {@link TestQueue.reset}.
   * @defaultValue a store that nobody else has
   */
  engine?: `memory:${string}` | undefined;
  /** What the clock says in the beginning. @defaultValue the present; not with `engine` */
  now?: Instant | undefined;
  /** The same seed gives the same chance and the same ids. @defaultValue the same chance, and fresh ids */
  seed?: number | undefined;
}

// `schedule` is of a worker file: periodic tasks have no part in a test, and are no mistake.
const NAMES = ["mux", "server", "schedule", "inline", "engine", "now", "seed"] as const;

/** Refuses what the parts that an option is for would not. */
export function checkTestQueueOptions(options: TestQueueOptions): void {
  requireKnownNames("testQueue", options, NAMES);
  const { inline, engine, now, seed } = options;
  if (inline !== undefined && typeof inline !== "boolean") {
    throw new InvalidOptionError("inline", `expected true or false; got ${String(inline)}`);
  }
  if (seed !== undefined && !Number.isSafeInteger(seed)) {
    throw new InvalidOptionError("seed", `expected a whole number; got ${String(seed)}`);
  }
  if (engine !== undefined && now !== undefined) {
    throw new InvalidOptionError("now", "excludes engine: others on that store read the real clock");
  }
}

/** The name of the store that a URL means. */
export function storeName(url: unknown): string {
  if (typeof url === "string" && url.startsWith("memory:")) return url.slice("memory:".length);
  throw new InvalidOptionError("engine", 'expected "memory:" or "memory:name": tests run in this process');
}
