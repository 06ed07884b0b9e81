import { InvalidOptionError } from "../errors.ts";
import type { Handler } from "../server/handler.ts";
import type { ServeMux } from "../server/serve-mux.ts";
import type { ServerOptions } from "../server/server-options.ts";
import type { Instant } from "../task-options.ts";

export interface TestQueueOptions {
  /** What runs the tasks: a mux, or one function for all types. Without it nothing can be performed. */
  mux?: ServeMux | Handler | undefined;
  /**
   * The server that the tasks would meet. Of its options these count: `retryDelay`, `isFailure`, `errorHandler`,
   * `cancelPolicy`, `abortGrace`, `logger` and `logLevel`; the others are checked.
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

export const TEST_QUEUE_OPTIONS = ["mux", "server", "inline", "engine", "now", "seed"] as const;

/** The name of the store that a URL means. */
export function storeName(url: unknown): string {
  if (typeof url === "string" && url.startsWith("memory:")) return url.slice("memory:".length);
  throw new InvalidOptionError("engine", 'expected "memory:" or "memory:name": tests run in this process');
}
