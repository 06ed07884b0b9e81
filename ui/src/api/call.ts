import { base } from "../routing/base.ts";
import { ApiError } from "./api-error.ts";
import { type Params, type Query, routePath } from "./route-path.ts";
import type { ErrorAnswer, RouteName, Routes } from "./types.ts";

type PartsOf<R extends RouteName> =
  Params<R> extends infer P
    ? unknown extends P
      ? { readonly params?: undefined }
      : { readonly params: P }
    : never;
type QueryOf<R extends RouteName> = Routes[R] extends { query: infer Q }
  ? Partial<Q> extends Q
    ? { readonly query?: Q }
    : { readonly query: Q }
  : { readonly query?: undefined };
type BodyOf<R extends RouteName> = Routes[R] extends { body: infer B }
  ? { readonly body: B }
  : { readonly body?: undefined };

/** What a route takes. */
export type Asked<R extends RouteName> = PartsOf<R> &
  QueryOf<R> &
  BodyOf<R> & { readonly signal?: AbortSignal };
type Rest<R extends RouteName> = Partial<Asked<R>> extends Asked<R> ? [asked?: Asked<R>] : [asked: Asked<R>];
export type Answer<R extends RouteName> = Routes[R]["answer"];

interface Loose {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Query;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

let csrf = "";

/** The value of `x-tq-csrf`; it comes with the session. */
export function setCsrf(value: string): void {
  csrf = value;
}

/**
 * Asks a route of the monitor.
 *
 * @throws {@link ApiError} it said no, or said nothing.
 * @example await call("POST /api/queues/{queue}/pause", { params: { queue: "low" } });
 */
export async function call<R extends RouteName>(route: R, ...[asked]: Rest<R>): Promise<Answer<R>> {
  const request = (asked ?? {}) as unknown as Loose;
  const response = route.startsWith("GET ") ? await ask(route, request) : await change(route, request);
  if (response.status === 204) return null as Answer<R>;
  return (await response.json()) as Answer<R>;
}

function ask(route: RouteName, { params, query, signal }: Loose): Promise<Response> {
  return send(routePath(route, params, query), {
    cache: "no-store",
    ...(signal !== undefined && { signal }),
  });
}

/** A monitor that was started anew, with the page still open, knows another value: that is asked for, once. */
async function change(route: RouteName, request: Loose): Promise<Response> {
  const { params, query, body, signal } = request;
  const sent = csrf;
  const trial = () =>
    send(routePath(route, params, query), {
      method: route.slice(0, route.indexOf(" ")),
      cache: "no-store",
      headers: { "content-type": "application/json", "x-tq-csrf": csrf },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...(signal !== undefined && { signal }),
    });
  try {
    return await trial();
  } catch (error) {
    if (!(error instanceof ApiError && error.code === "CSRF")) throw error;
    setCsrf((await call("GET /api/session")).csrf);
    if (csrf === sent) throw error;
    return trial();
  }
}

/** Answers as they are, for streams and files. */
export async function send(path: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(new URL(path, base), init);
  } catch (cause) {
    if (init.signal?.aborted) throw cause;
    throw new ApiError(0, { code: "UNREACHABLE", message: "the monitor does not answer" }, { cause });
  }
  if (response.ok) return response;
  throw new ApiError(response.status, await factsOf(response));
}

async function factsOf(response: Response): Promise<ErrorAnswer["error"]> {
  const isJson = response.headers.get("content-type")?.startsWith("application/json") ?? false;
  // A proxy in between speaks otherwise.
  if (!isJson) return { code: `HTTP_${response.status}`, message: `the answer was ${response.status}` };
  return ((await response.json()) as ErrorAnswer).error;
}
