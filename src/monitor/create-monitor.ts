import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { getRequestListener } from "@hono/node-server";
import { MonitorExposedError } from "../errors.ts";
import { Client, createEngine, Inspector, Scheduler } from "../index.ts";
import { Audit, orderText } from "./audit.ts";
import { Authentication } from "./authentication.ts";
import { Collector } from "./collector.ts";
import { Csrf } from "./csrf.ts";
import { Definitions } from "./definitions.ts";
import { Deletions } from "./deletions.ts";
import { type Connection, monitorHandler } from "./handler.ts";
import { isLoopback } from "./hosts.ts";
import { Live } from "./live.ts";
import { checkMonitorOptions, type MonitorOptions } from "./monitor-options.ts";
import { Operations } from "./operations.ts";
import { Redaction } from "./redaction.ts";
import { SECURITY_HEADERS } from "./security-headers.ts";
import { readStaticFiles } from "./static-files.ts";

/** Milliseconds in which a client has to have sent its request. */
const PATIENCE = 20_000;
/** Bytes of a request's headers. */
const MOST_HEADERS = 16_384;
const MOST_CONNECTIONS = 2_000;

/** The built front end: beside the built package, and where the build puts it for those who run the sources. */
const PAGES = import.meta.url.endsWith(".ts") ? "../../dist/ui" : "./ui";

export interface ListenOptions {
  /** @defaultValue `"127.0.0.1"` */
  readonly host?: string | undefined;
  /** 0 = any that is free. @defaultValue 8080 */
  readonly port?: number | undefined;
}

/** Looks at an engine through HTTP. Costs nothing while nobody asks. */
export interface Monitor extends AsyncDisposable {
  /**
   * A web-standard handler, for Hono, Next and whatever else has a `Request`. Without `auth` it answers only where it
   * knows that the client is on this machine: hand in `address`. Compresses nothing but for `@hono/node-server`.
   */
  fetch(request: Request, connection?: Pick<Connection, "address"> | object): Promise<Response>;
  /** A handler for `node:http`, Express and whatever stands on them. */
  node(request: IncomingMessage, response: ServerResponse): void;
  /**
   * Serves the monitor alone. Resolves with its URL.
   *
   * @throws {@link MonitorExposedError} others than this machine could reach it, and nobody would have to log in.
   */
  listen(options?: ListenOptions): Promise<string>;
  /** Ends live streams, stops operations, and leaves the engine. */
  close(): Promise<void>;
}

/**
 * The dashboard of an engine: a page, and the API that it stands on.
 *
 * @throws {@link InvalidOptionError} an option is unknown or not acceptable.
 * @throws {@link EngineUrlMissingError} no engine, and `TITANQUEUE_URL` is not set.
 * @example
 * const monitor = createMonitor({ engine: "redis://127.0.0.1:6379" });
 * console.log(await monitor.listen()); // http://127.0.0.1:8080
 */
export function createMonitor(options: MonitorOptions = {}): Monitor {
  const config = checkMonitorOptions(options);
  const { runtime, logger } = config;
  const engine =
    typeof options.engine === "object" ? options.engine : createEngine(options.engine, { runtime, logger });
  const inspector = new Inspector(engine, { runtime });
  const client = new Client(engine, { runtime });
  const scheduler = new Scheduler(engine, { runtime, logger });
  const now = () => engine.broker.now();
  const audit = new Audit(logger, config.onAudit);
  const deletions = new Deletions({
    inspector,
    runtime,
    logger,
    now,
    onDeleted: (id, count) => {
      const operation = operations.finished(id);
      audit.add({
        at: now(),
        user: operation?.startedBy ?? null,
        role: "operate",
        what: "end of undo time",
        on: operation === undefined ? "" : orderText(operation),
        count,
        outcome: "done",
        code: null,
      });
    },
  });
  const operations = new Operations(inspector, runtime, now, deletions, (operation, { user, role }) => {
    const { action, status, changed, error } = operation;
    audit.add({
      at: now(),
      user,
      role,
      what: `end of ${action}`,
      on: orderText(operation),
      count: operation.dryRun ? 0 : changed,
      outcome: status === "failed" ? "failed" : "done",
      code: error?.code ?? null,
    });
  });
  const collector = new Collector({
    inspector,
    runtime,
    logger,
    kind: engine.kind,
    now,
    interval: config.interval,
  });
  const live = new Live({ collector, runtime, operations: () => operations.all });
  const handle = monitorHandler(
    {
      config,
      engine,
      inspector,
      client,
      scheduler,
      collector,
      live,
      operations,
      deletions,
      definitions: new Definitions(config.tasks),
      audit,
      csrf: new Csrf(),
      redaction: new Redaction(config.redactedKeys),
    },
    config.credentials && new Authentication(config.credentials, runtime.clock),
    readStaticFiles(fileURLToPath(new URL(PAGES, import.meta.url))),
  );
  const servers = new Set<Server>();
  const listener = (standalone: boolean) => nodeListener(handle, standalone, config.basePath);
  let closed: Promise<void> | undefined;

  const close = async (): Promise<void> => {
    live.close();
    collector.close();
    await operations.close();
    deletions.close();
    await Promise.all([...servers].map(closeServer));
    await Promise.all([inspector.close(), client.close(), scheduler.shutdown()]);
  };

  return {
    fetch: (request, connection = {}) => handle(request, connectionOf(connection)),
    node: listener(false),
    async listen({ host = "127.0.0.1", port = 8_080 } = {}) {
      const isOpen = config.credentials === undefined && config.authorize === undefined;
      if (isOpen && !isLoopback(host)) throw new MonitorExposedError(host);
      const server = createServer(
        {
          maxHeaderSize: MOST_HEADERS,
          headersTimeout: PATIENCE,
          requestTimeout: PATIENCE,
          connectionsCheckingInterval: PATIENCE / 4,
        },
        listener(true),
      );
      server.maxConnections = MOST_CONNECTIONS;
      servers.add(server);
      await once(server.listen(port, host), "listening");
      const { address, port: bound } = server.address() as AddressInfo;
      return `http://${address.includes(":") ? `[${address}]` : address}:${bound}${config.basePath}/`;
    },
    close: () => {
      closed ??= close();
      return closed;
    },
    [Symbol.asyncDispose]() {
      return this.close();
    },
  };
}

type Handler = ReturnType<typeof monitorHandler>;

/** Of answers that no route gives. */
const HEADERS = { ...SECURITY_HEADERS, "cache-control": "no-store" };

function nodeListener(
  handle: Handler,
  standalone: boolean,
  basePath: string,
): (request: IncomingMessage, response: ServerResponse) => void {
  const listen = getRequestListener(
    (request, { incoming }) => {
      const message = incoming as IncomingMessage & { readonly body?: unknown };
      const connection: Connection = {
        address: message.socket.remoteAddress,
        standalone,
        compresses: true,
        ...(message.readableEnded && message.body !== undefined && { before: { parsed: message.body } }),
      };
      return handle(request, connection);
    },
    { overrideGlobalObjects: false },
  );
  return (request, response) => {
    const hosts = request.rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === "host");
    if (hosts.length !== 1) {
      const type = "application/json; charset=utf-8";
      response.writeHead(400, { ...HEADERS, "content-type": type, connection: "close" });
      response.end('{"error":{"code":"BAD_REQUEST","message":"expected one Host header"}}');
      return;
    }
    const below = pathWithoutSlash(request, basePath);
    if (below !== undefined) {
      // Behind a dot: a name such as `https:elsewhere` is no URL there.
      response.writeHead(308, { ...HEADERS, location: `./${below}/` }).end();
      return;
    }
    void listen(request, response);
  };
}

/**
 * The last part of the path, where the monitor was asked for without the slash at its end: what its page loads would be
 * looked for in the wrong place.
 */
function pathWithoutSlash(request: IncomingMessage, basePath: string): string | undefined {
  const { originalUrl } = request as IncomingMessage & { readonly originalUrl?: string };
  const [path = ""] = (originalUrl ?? request.url ?? "").split("?");
  const [seen = ""] = (request.url ?? "").split("?");
  const isRoot = seen === "/" || seen === "" || (basePath !== "" && seen === basePath);
  return isRoot && path !== "" && !path.endsWith("/") ? path.slice(path.lastIndexOf("/") + 1) : undefined;
}

/** From what came with a web request: an address, or the pair that `@hono/node-server` hands on. */
function connectionOf(given: object): Connection {
  const { address, incoming } = given as { readonly address?: unknown; readonly incoming?: IncomingMessage };
  const socket: Socket | undefined = incoming?.socket;
  return {
    address: typeof address === "string" ? address : socket?.remoteAddress,
    compresses: socket !== undefined,
  };
}

async function closeServer(server: Server): Promise<void> {
  if (!server.listening) return;
  const ended = once(server, "close");
  server.close();
  server.closeAllConnections();
  await ended;
}
