import { type AnyTaskDefinition, isTaskDefinition } from "../define-task.ts";
import { HandlerNotFoundError, InvalidOptionError, InvalidPatternError } from "../errors.ts";
import { requireKnownNames } from "../suggestion.ts";
import type { Handler, HandlerOf, HandlerOptions, Middleware } from "./handler.ts";
import { around } from "./middleware.ts";

/** Where a task goes. */
export interface Route {
  readonly handler: Handler;
  /** Set when the handler is that of a definition, which then decodes the payload. */
  readonly definition: AnyTaskDefinition | undefined;
  readonly options: HandlerOptions;
}

/** Finds the handler of a task by its type. */
export interface Router {
  route(type: string): Route;
  /** All definitions that have a handler. */
  definitions(): Iterable<AnyTaskDefinition>;
}

interface Entry {
  readonly pattern: string;
  /** A definition matches its own type only. */
  readonly definition: AnyTaskDefinition | undefined;
  readonly target: Handler | Router;
  readonly options: HandlerOptions;
}

const NO_OPTIONS: HandlerOptions = Object.freeze({});

/**
 * Chooses the handler of a task by its type: the pattern that equals the type, else the longest one that the type
 * begins with. A task definition takes tasks of exactly its type, with their payload decoded and validated.
 *
 * @example
 * const mux = new ServeMux();
 * mux.use(async (task, ctx, next) => {
 *   await next();
 *   ctx.log.info({}, "done");
 * });
 * mux.handle(welcomeEmail, async (task, ctx) => {
 *   await sendMail(task.payload.userId, { signal: ctx.signal });
 * });
 * mux.handle("image:", (task) => resize(task.payload));
 */
export class ServeMux implements Router {
  readonly #entries = new Map<string, Entry>();
  /** The patterns that also match as prefixes, longest first. */
  #prefixes: Entry[] = [];
  readonly #middleware: Middleware[] = [];

  /**
   * Registers a handler. A pattern may also lead to another mux, which chooses by the whole type again.
   *
   * @throws {@link InvalidPatternError} the pattern is blank or taken, or there is no handler.
   */
  handle<D extends AnyTaskDefinition>(definition: D, handler: HandlerOf<D>, options?: HandlerOptions): this;
  handle(pattern: string, handler: Handler | ServeMux, options?: HandlerOptions): this;
  handle(
    key: string | AnyTaskDefinition,
    // biome-ignore lint/suspicious/noExplicitAny: any handler; the overloads say which
    target: Handler<any, any> | ServeMux,
    options?: HandlerOptions,
  ): this {
    const definition = isTaskDefinition(key) ? key : undefined;
    const pattern = definition ? definition.type : requirePattern(key);
    if (this.#entries.has(pattern)) {
      throw new InvalidPatternError(`pattern ${JSON.stringify(pattern)} is registered already`);
    }
    if (typeof target !== "function" && !isRouter(target)) {
      throw new InvalidPatternError(`pattern ${JSON.stringify(pattern)} has no handler`);
    }
    if (target instanceof ServeMux && target.#leadsTo(this)) {
      throw new InvalidPatternError(`pattern ${JSON.stringify(pattern)} leads back to the mux it is in`);
    }
    const entry: Entry = {
      pattern,
      definition,
      target: target as Handler | Router,
      options: checkHandlerOptions(options),
    };
    this.#entries.set(pattern, entry);
    if (definition === undefined) {
      this.#prefixes = [...this.#prefixes, entry].sort((a, b) => b.pattern.length - a.pattern.length);
    }
    return this;
  }

  /**
   * Adds middleware around every handler of this mux, those registered earlier too, and around "handler not found".
   * The first one added is the outermost.
   */
  use(...middleware: Middleware[]): this {
    for (const each of middleware) {
      if (typeof each !== "function") throw new InvalidOptionError("use", "expected functions");
    }
    this.#middleware.push(...middleware);
    return this;
  }

  /** @internal */
  route(type: string): Route {
    const route = this.#find(type);
    if (this.#middleware.length === 0) return route;
    return { ...route, handler: around(this.#middleware, route.handler) };
  }

  /** @internal */
  *definitions(): Iterable<AnyTaskDefinition> {
    for (const { definition, target } of this.#entries.values()) {
      if (definition !== undefined) yield definition;
      if (isRouter(target)) yield* target.definitions();
    }
  }

  #find(type: string): Route {
    const entry = this.#entries.get(type) ?? this.#prefixes.find(({ pattern }) => type.startsWith(pattern));
    if (entry === undefined) return NOT_FOUND;
    if (!isRouter(entry.target)) {
      return { handler: entry.target, definition: entry.definition, options: entry.options };
    }
    const inner = entry.target.route(type);
    return { ...inner, options: { ...entry.options, ...inner.options } };
  }

  #leadsTo(mux: ServeMux): boolean {
    if (this === mux) return true;
    for (const { target } of this.#entries.values()) {
      if (target instanceof ServeMux && target.#leadsTo(mux)) return true;
    }
    return false;
  }
}

const NOT_FOUND: Route = {
  handler: (task) => {
    throw new HandlerNotFoundError(task.type);
  },
  definition: undefined,
  options: NO_OPTIONS,
};

/** One handler for tasks of every type, or a mux as it is. */
export function routerOf(handler: Handler | ServeMux): Router {
  if (isRouter(handler)) return handler;
  if (typeof handler !== "function") {
    throw new InvalidOptionError("handler", "expected a function or a ServeMux");
  }
  const route: Route = { handler, definition: undefined, options: NO_OPTIONS };
  return { route: () => route, definitions: () => [] };
}

/** By shape, so that a mux of another copy of the package is one too. */
function isRouter(target: unknown): target is Router {
  return (
    typeof target === "object" &&
    target !== null &&
    typeof (target as Partial<Router>).route === "function" &&
    typeof (target as Partial<Router>).definitions === "function"
  );
}

function requirePattern(pattern: unknown): string {
  if (typeof pattern !== "string" || pattern.trim() === "") {
    throw new InvalidPatternError("a pattern must be text that is not blank, or a task definition");
  }
  return pattern;
}

function checkHandlerOptions(options: HandlerOptions | undefined): HandlerOptions {
  if (options === undefined) return NO_OPTIONS;
  requireKnownNames("handle", options, ["retryDelay", "isFailure"]);
  const checked: HandlerOptions = {};
  for (const name of ["retryDelay", "isFailure"] as const) {
    const policy = options[name];
    if (policy === undefined) continue;
    if (typeof policy !== "function") throw new InvalidOptionError(name, "expected a function");
    Object.assign(checked, { [name]: policy });
  }
  return checked;
}
