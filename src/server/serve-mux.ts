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

/** Marks muxes, so that two copies of the package know each other's; answers the muxes that this one leads to. */
const muxBrand: unique symbol = Symbol.for("titanqueue.mux") as never;

interface Mux extends Router {
  [muxBrand](): Iterable<Mux>;
}

interface Entry {
  readonly pattern: string;
  readonly target: Router;
  readonly options: HandlerOptions;
  /** Routes of `target` -> as this mux answers them, made once for all tasks. */
  made: WeakMap<Route, Route>;
}

const NO_OPTIONS: HandlerOptions = Object.freeze({});

const NOT_FOUND: Router = soleRoute((task) => {
  throw new HandlerNotFoundError(task.type);
}, undefined);

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
export class ServeMux implements Mux {
  readonly #entries = new Map<string, Entry>();
  /** The patterns that also match as prefixes, longest first. */
  #prefixes: Entry[] = [];
  readonly #notFound: Entry = { pattern: "", target: NOT_FOUND, options: NO_OPTIONS, made: new WeakMap() };
  readonly #middleware: Middleware[] = [];

  /**
   * Registers a handler. A pattern may also lead to another mux, which chooses by the whole type again. Nothing checks
   * the payload that a pattern's handler says it expects; a definition's schema does.
   *
   * @throws {@link InvalidPatternError} the pattern is blank or taken, or there is no handler.
   */
  handle<D extends AnyTaskDefinition>(definition: D, handler: HandlerOf<D>, options?: HandlerOptions): this;
  handle<P = unknown, R = unknown>(
    pattern: string,
    handler: Handler<P, R> | ServeMux,
    options?: HandlerOptions,
  ): this;
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
    if (typeof target !== "function" && !isMux(target)) {
      throw new InvalidPatternError(`pattern ${JSON.stringify(pattern)} has no handler`);
    }
    if (isMux(target) && leadsTo(target, this)) {
      throw new InvalidPatternError(`pattern ${JSON.stringify(pattern)} leads back to the mux it is in`);
    }
    const entry: Entry = {
      pattern,
      target: isMux(target) ? target : soleRoute(target, definition),
      options: checkHandlerOptions(options),
      made: new WeakMap(),
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
   *
   * It sees what reaches a handler: not a task whose payload does not fit its definition, nor one whose deadline had
   * passed before it was begun. Those are settled without one; `errorHandler` and the events tell of them.
   */
  use(...middleware: Middleware[]): this {
    for (const each of middleware) {
      if (typeof each !== "function") throw new InvalidOptionError("use", "expected functions");
    }
    this.#middleware.push(...middleware);
    for (const entry of [...this.#entries.values(), this.#notFound]) entry.made = new WeakMap();
    return this;
  }

  /** @internal */
  route(type: string): Route {
    const entry =
      this.#entries.get(type) ??
      this.#prefixes.find(({ pattern }) => type.startsWith(pattern)) ??
      this.#notFound;
    const inner = entry.target.route(type);
    const known = entry.made.get(inner);
    if (known !== undefined) return known;
    const route: Route = {
      handler: around(this.#middleware, inner.handler),
      definition: inner.definition,
      options: { ...entry.options, ...inner.options },
    };
    entry.made.set(inner, route);
    return route;
  }

  /** @internal */
  *definitions(): Iterable<AnyTaskDefinition> {
    for (const { target } of this.#entries.values()) yield* target.definitions();
  }

  /** @internal */
  *[muxBrand](): Iterable<Mux> {
    for (const { target } of this.#entries.values()) if (isMux(target)) yield target;
  }
}

/** One handler for tasks of every type, or a mux as it is. `option` is what the caller calls it. */
export function routerOf(handler: Handler | ServeMux, option = "handler"): Router {
  if (isMux(handler)) return handler;
  if (typeof handler !== "function") {
    throw new InvalidOptionError(option, "expected a function or a ServeMux");
  }
  return soleRoute(handler, undefined);
}

function soleRoute(handler: Handler, definition: AnyTaskDefinition | undefined): Router {
  const route: Route = { handler, definition, options: NO_OPTIONS };
  return { route: () => route, definitions: () => (definition === undefined ? [] : [definition]) };
}

function leadsTo(from: Mux, mux: Mux): boolean {
  if (from === mux) return true;
  for (const next of from[muxBrand]()) if (leadsTo(next, mux)) return true;
  return false;
}

function isMux(target: unknown): target is Mux {
  return typeof target === "object" && target !== null && muxBrand in target;
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
