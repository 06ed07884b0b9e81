import { type Engine, type EngineOptions, engineBrand } from "./broker/engine.ts";
import { checkEngineOptions } from "./engine/engine-options.ts";
import { namedMemoryEngine } from "./engine/memory/memory-engine.ts";
import { redisEngine } from "./engine/redis/redis-engine.ts";
import { sqliteEngineOf } from "./engine/sqlite/sqlite-engine.ts";
import { EngineUrlInvalidError, EngineUrlMissingError, UnsupportedClientError } from "./errors.ts";
import { suggestion } from "./suggestion.ts";

const SCHEMES: Readonly<Record<string, (url: string, options: EngineOptions) => Engine>> = {
  redis: redisEngine,
  rediss: redisEngine,
  "redis-socket": redisEngine,
  "redis-sentinel": redisEngine,
  "redis-cluster": redisEngine,
  sqlite: sqliteEngineOf,
  memory: (url, options) => namedMemoryEngine(url.slice("memory:".length), options),
};

/**
 * The engine that a URL means; it connects when it is first used.
 *
 * - `redis://[user:password@]host[:port][/db]`, `rediss://` with TLS, `redis-socket:///path`,
 *   `redis-sentinel://h1:p,h2:p/db?master=name`, `redis-cluster://h1:p,h2:p`
 * - `sqlite:./tasks.db`, `sqlite:///abs/tasks.db`, with `?synchronous=full` if need be: a file, relative to the working
 *   directory or absolute
 * - `memory:` and `memory:name`: one store each in this process, shared by all who name it
 *
 * @param url - without one, the environment variable TITANQUEUE_URL
 * @throws {@link EngineUrlMissingError} neither is given.
 * @throws {@link EngineUrlInvalidError} it cannot be understood.
 * @throws {@link InvalidOptionError} an option is unknown or not acceptable.
 */
export function createEngine(url?: string | undefined, options: EngineOptions = {}): Engine {
  const given = url ?? process.env["TITANQUEUE_URL"] ?? "";
  if (given === "") throw new EngineUrlMissingError();
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(given)?.[1]?.toLowerCase();
  const open = scheme === undefined ? undefined : SCHEMES[scheme];
  if (open !== undefined) return open(given, options);
  // The text itself stays out of the message: what is not understood may be a password.
  const problem =
    scheme === undefined
      ? "the engine's URL has no scheme"
      : `no engine serves the scheme "${scheme}:"${suggestion(scheme, Object.keys(SCHEMES))}`;
  const known = Object.keys(SCHEMES).map((name) => `${name}:`);
  throw new EngineUrlInvalidError(`${problem}; expected one of ${known.join(" ")}`);
}

/** What clients, servers and inspectors take as their engine: a URL, an engine, or nothing (TITANQUEUE_URL). */
export function resolveEngine(source: string | Engine | undefined, options: EngineOptions = {}): Engine {
  // An engine that is handed in has options of its own; a mistake in these is one all the same.
  checkEngineOptions(options);
  if (source === undefined || typeof source === "string") return createEngine(source, options);
  if (typeof source === "object" && source !== null && source[engineBrand] === true) return source;
  throw new UnsupportedClientError(
    "expected a URL or an engine; a client of ioredis is passed as redisEngine(client)",
  );
}
