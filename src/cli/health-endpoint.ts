import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { ServerHealth } from "titanqueue";
import { Failure } from "./ending.ts";

export interface HealthEndpointOptions {
  readonly host: string;
  /** 0 = any that is free. */
  readonly port: number;
  readonly health: () => ServerHealth;
}

/** A client that takes longer than this, in milliseconds, to say what it wants is dropped. */
const PATIENCE = 5_000;

/**
 * Answers every GET with how the server does, as JSON: 200 while it is ready, 503 while it starts, has lost its
 * engine, or shuts down. Asks nobody, so it may be called as often as one likes. Resolves with its URL.
 *
 * @throws {@link Failure} it cannot listen there.
 */
export async function serveHealth({ host, port, health }: HealthEndpointOptions): Promise<string> {
  const server = createServer((request, response) => answer(request, response, health()));
  server.headersTimeout = PATIENCE;
  server.requestTimeout = PATIENCE;
  try {
    await once(server.listen(port, host), "listening");
  } catch (error) {
    throw new Failure(`cannot answer for its health: ${problem(error)}`, { cause: error });
  }
  const { address, port: bound } = server.address() as AddressInfo;
  return `http://${address.includes(":") ? `[${address}]` : address}:${bound}`;
}

function answer(request: IncomingMessage, response: ServerResponse, health: ServerHealth): void {
  response.setHeader("cache-control", "no-store");
  if (request.method !== "GET" && request.method !== "HEAD") {
    response.writeHead(405, { allow: "GET, HEAD" }).end();
    return;
  }
  const { error, ...rest } = health;
  response.writeHead(health.status === "ready" ? 200 : 503, { "content-type": "application/json" });
  response.end(`${JSON.stringify({ ...rest, ...(error && { error: error.message }) })}\n`);
}

function problem(error: unknown): string {
  const { code, message, port, address } = error as NodeJS.ErrnoException & {
    readonly port?: number;
    readonly address?: string;
  };
  if (code === "EADDRINUSE") return `port ${port} of ${address} is taken; choose another --health-port`;
  if (code === "EACCES") return `port ${port} is not for this user; choose a --health-port above 1023`;
  if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND") {
    return "no address of this machine is called so; choose another --health-host";
  }
  return message;
}
