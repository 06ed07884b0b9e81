import { type Context, Hono } from "hono";
import type { AuditLine, RouteName } from "./api.ts";
import { namesText } from "./audit.ts";
import type { Authentication } from "./authentication.ts";
import { requireOwnOrigin } from "./csrf.ts";
import { httpErrorOf } from "./error-answer.ts";
import { wantsPage } from "./exposition.ts";
import { type HostRules, isLoopback, requireOwnHost } from "./hosts.ts";
import { badRequest, forbidden, HttpError, notFound } from "./http-error.ts";
import { ROUTE_SCHEMAS, SCHEMAS } from "./openapi.gen.ts";
import { type ReadBefore, readBody, readQuery } from "./request-reading.ts";
import type { Call, House, Rule } from "./routes/rule.ts";
import { routeRules } from "./routes.ts";
import { mayAct, type Visitor } from "./scope.ts";
import { SECURITY_HEADERS } from "./security-headers.ts";
import { pageAt, type StaticFiles } from "./static-files.ts";

/** What is known of a connection, beside the request. */
export interface Connection {
  /** Where it comes from; `undefined`: not known. */
  readonly address?: string | undefined;
  readonly before?: ReadBefore | undefined;
  /** It is answered by a server of ours, which refuses names that are not ours. */
  readonly standalone?: boolean | undefined;
  /** What is compressed reaches the client as such. Next sends the body, and keeps its `content-encoding` back. */
  readonly compresses?: boolean | undefined;
}

interface Bindings {
  readonly Bindings: Connection;
}

export type Handle = (request: Request, connection: Connection) => Promise<Response>;

const CHANGING = ["POST", "DELETE"];
/** Sites whose pages may make a browser read from us; `none`: somebody typed the address. */
const READING_SITES = ["same-origin", "none"];

/**
 * Answers requests: host, method, origin, visitor, role, CSRF, query and body are checked in this order, and then the
 * route is asked. Whatever goes wrong is told in the same shape, with nothing of what was sent in it.
 */
export function monitorHandler(
  house: House,
  authentication: Authentication | undefined,
  files: StaticFiles,
): Handle {
  const { config } = house;
  const rules = routeRules(house);
  const app = new Hono<Bindings>({ getPath: (request) => pathBelow(config.basePath, request) });

  const hostOf = (request: Request, { standalone = false }: Connection): string => {
    const open = authentication === undefined && config.authorize === undefined && !config.guarded;
    const others: HostRules["others"] = open ? "loopback" : standalone ? "addresses" : "any";
    return requireOwnHost(request.headers, {
      allowed: config.allowedHosts,
      trustProxy: config.trustProxy,
      others,
    });
  };

  const clientOf = (request: Request, { address = "" }: Connection): string => {
    const forwarded = config.trustProxy ? request.headers.get("x-forwarded-for") : null;
    return forwarded?.split(",").at(-1)?.trim() || address;
  };

  const visitorOf = async (request: Request, connection: Connection): Promise<Visitor> => {
    if (config.authorize !== undefined) {
      const known = await config.authorize(request);
      if (!known) throw new HttpError(401, "UNAUTHENTICATED", "log in to see this");
      return { user: known.user, role: known.role ?? "view", queues: known.queues ?? null };
    }
    if (authentication !== undefined) {
      const client = clientOf(request, connection);
      return authentication.visitorOf(request.headers.get("authorization"), client);
    }
    if (!config.guarded && connection.address === undefined) {
      const message =
        "nothing tells where this request is from, and nobody would have to log in: give createMonitor auth or authorize";
      throw forbidden(message, "ADDRESS_UNKNOWN");
    }
    // A header says where a client behind a proxy is, believed or not; the proxy has to be here, too.
    const isHere = [connection.address ?? "", ...forwardedFor(request.headers)].every(isLoopback);
    if (!config.guarded && !isHere) {
      throw forbidden("without auth, only this machine is answered: give createMonitor auth or authorize");
    }
    return { user: null, role: "admin", queues: null };
  };

  const requireMay = (visitor: Visitor, { role, wide }: Rule<RouteName>, changes: boolean): void => {
    if (changes && config.readOnly)
      throw forbidden("nothing can be changed through this monitor", "READ_ONLY");
    if (role !== null && !mayAct(visitor, role)) throw forbidden(`this takes the role ${role}`);
    if (wide && visitor.queues !== null) throw forbidden("this is for those who may see all queues");
  };

  const answer = async (context: Context<Bindings>, route: RouteName): Promise<Response> => {
    const { raw: request } = context.req;
    const connection = context.env;
    const rule = rules[route] as Rule<RouteName>;
    const { query: querySchema, body: bodySchema } = ROUTE_SCHEMAS[route];
    const changes = CHANGING.includes(request.method);
    const host = hostOf(request, connection);
    requireOwnOrigin(request, host, changes ? ["same-origin"] : READING_SITES);
    const visitor =
      rule.role === null
        ? { user: null, role: "view" as const, queues: [] }
        : await visitorOf(request, connection);
    const params = paramsOf(context, route);
    let count: number | null = null;
    let name: string | undefined;
    const tell = (outcome: AuditLine["outcome"], code: string | null) => {
      if (!changes) return;
      const on = name ?? namesText(Object.values(params));
      const { user, role } = visitor;
      house.audit.add({
        at: house.engine.broker.now(),
        user,
        role,
        what: route,
        on,
        count,
        outcome,
        code,
      });
    };
    try {
      requireMay(visitor, rule, changes);
      if (changes) house.csrf.require(request, visitor, host);
      const call = {
        visitor,
        params,
        query: readQuery(new URL(request.url).searchParams, querySchema, SCHEMAS),
        body: changes ? await readBody(request, bodySchema, SCHEMAS, connection.before) : undefined,
        request,
        recheck: () => visitorOf(request, connection),
        counted: (changed: number) => {
          count = changed;
        },
        named: (what: string) => {
          name = what;
        },
      };
      const result = await rule.handle(call as unknown as Call<RouteName>);
      tell("done", null);
      if (changes) house.collector.expire();
      if (result instanceof Response) return result;
      if (result === null) return new Response(null, { status: 204 });
      return Response.json(result, { headers: { "content-type": "application/json; charset=utf-8" } });
    } catch (error) {
      const known = httpErrorOf(error);
      const refused = known !== undefined && known.status < 500;
      tell(refused ? "refused" : "failed", known?.facts.code ?? "INTERNAL");
      throw error;
    }
  };

  const page = async (context: Context<Bindings>): Promise<Response> => {
    const { raw: request } = context.req;
    hostOf(request, context.env);
    if (request.method !== "GET" && request.method !== "HEAD") {
      throw new HttpError(405, "METHOD_NOT_ALLOWED", "this method is not for this path");
    }
    await visitorOf(request, context.env);
    const way = wayFromMount(config.basePath, request);
    const accepted = context.env.compresses ? (context.req.header("accept-encoding") ?? "") : "";
    return pageOrFile(context.req.path, files, accepted, way);
  };

  for (const [path, methods] of routesByPath()) {
    app.all(path.replaceAll(/\{(\w+)\}/g, ":$1"), async (context) => {
      const { method } = context.req;
      if (path === "/metrics" && wantsPage(context.req.raw.headers)) return page(context);
      // A stream that nobody reads would never end.
      const asked = method === "HEAD" && path !== "/api/live" ? "GET" : method;
      if (!methods.includes(asked)) {
        hostOf(context.req.raw, context.env);
        const allow = method === "OPTIONS" ? {} : { allow: methods.join(", ") };
        throw new HttpError(405, "METHOD_NOT_ALLOWED", "this method is not for this path", {
          headers: allow,
        });
      }
      return answer(context, `${asked} ${path}` as RouteName);
    });
  }

  app.all("*", page);

  app.notFound(() => errorResponse(notFound()));
  app.onError((error) => {
    const known = httpErrorOf(error);
    if (known === undefined)
      config.logger.error({ error }, "the monitor failed to answer; this is a bug of its own");
    return errorResponse(
      known ?? new HttpError(500, "INTERNAL", "something went wrong here; the log tells more"),
    );
  });

  return async (request, connection) => {
    const response = await app.fetch(request, connection);
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.headers.set(name, value);
    if (!response.headers.has("cache-control")) response.headers.set("cache-control", "no-store");
    return response;
  };
}

/** Where proxies say that a request is from. Made up, it only keeps whoever made it up out. */
function forwardedFor(headers: Headers): string[] {
  return (headers.get("x-forwarded-for") ?? "")
    .split(",")
    .map((address) => address.trim())
    .filter((address) => address !== "");
}

function routesByPath(): Map<string, string[]> {
  const paths = new Map<string, string[]>();
  for (const route of Object.keys(ROUTE_SCHEMAS)) {
    const [method = "", path = ""] = route.split(" ");
    paths.set(path, [...(paths.get(path) ?? []), method]);
  }
  return paths;
}

/** The path of a request below that of the monitor, as it was sent: nothing in it is decoded yet. */
function pathBelow(basePath: string, request: Request): string {
  const { pathname } = new URL(request.url);
  const isBelow = basePath !== "" && (pathname === basePath || pathname.startsWith(`${basePath}/`));
  const path = isBelow ? pathname.slice(basePath.length) : pathname;
  return path === "" ? "/" : path;
}

/**
 * From the page of a monitor that was asked for without the slash at its end, to what is below. Some frameworks (Next) take
 * that slash away, and would send a redirect to it back for ever.
 */
function wayFromMount(basePath: string, request: Request): string | undefined {
  const isMount = basePath !== "" && new URL(request.url).pathname === basePath;
  return isMount ? `./${basePath.slice(basePath.lastIndexOf("/") + 1)}/` : undefined;
}

function paramsOf(context: Context<Bindings>, route: RouteName): Record<string, string> {
  const params: Record<string, string> = {};
  const wanted = (route.split(" ")[1] ?? "").split("/");
  const given = context.req.path.split("/");
  for (const [at, part] of wanted.entries()) {
    if (!part.startsWith("{")) continue;
    try {
      params[part.slice(1, -1)] = decodeURIComponent(given[at] ?? "");
    } catch {
      throw badRequest("is not percent-encoded as it should be", part.slice(1, -1));
    }
  }
  return params;
}

function pageOrFile(path: string, files: StaticFiles, accepted: string, way?: string): Response {
  const file = files.get(path.slice(1));
  if (file !== undefined && path !== "/index.html") {
    const { body, gzip, type, lasting } = file;
    const headers: Record<string, string> = {
      "content-type": type,
      "cache-control": lasting ? "private, max-age=31536000, immutable" : "no-cache",
      vary: "accept-encoding",
    };
    // Without weights: no browser gives gzip one of 0.
    const packed = /\bgzip\b/.test(accepted) ? gzip : undefined;
    if (packed !== undefined) headers["content-encoding"] = "gzip";
    return new Response(packed ?? body, { headers });
  }
  // Pages of the front end have no dot in their last part, or are of tasks and queues with such names.
  if (path.startsWith("/assets/") || path.startsWith("/api/") || path.includes("//")) throw notFound();
  return new Response(pageAt(path, files, way), {
    headers: { "content-type": "text/html; charset=utf-8", "cache-control": "no-store" },
  });
}

function errorResponse({ status, facts, headers }: HttpError): Response {
  return Response.json(
    { error: facts },
    { status, headers: { "content-type": "application/json; charset=utf-8", ...headers } },
  );
}
