import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { afterEach } from "vitest";
import { Client, type Engine, memoryEngine } from "../../src/index.ts";
import { createMonitor, type Monitor, type MonitorOptions, type Session } from "../../src/monitor/index.ts";
import { silentLogger } from "../../src/runtime/logger.ts";

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test says what it expects
  readonly json: any;
}

export interface Sent {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** A monitor that listens on this machine, and a client that can send what no browser would. */
export class MonitorRig {
  readonly monitor: Monitor;
  readonly engine: Engine;
  readonly client: Client;
  readonly url: URL;

  private constructor(monitor: Monitor, engine: Engine, url: string) {
    this.monitor = monitor;
    this.engine = engine;
    this.client = new Client(engine);
    this.url = new URL(url);
  }

  static async start(options: MonitorOptions & { engine?: Engine } = {}): Promise<MonitorRig> {
    const engine = options.engine ?? memoryEngine();
    const monitor = createMonitor({ logger: silentLogger, ...options, engine });
    const rig = new MonitorRig(monitor, engine, await monitor.listen({ port: 0 }));
    started.add(rig);
    return rig;
  }

  /** Sends a path as it stands, dots and all. */
  send(path: string, { method = "GET", headers = {}, body }: Sent = {}): Promise<Answer> {
    const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
    const length =
      text === undefined || "transfer-encoding" in headers
        ? {}
        : { "content-length": Buffer.byteLength(text) };
    return new Promise((resolve, reject) => {
      const { hostname, port } = this.url;
      const all = { ...headers, ...length };
      const request = httpRequest(
        { hostname, port, path, method, headers: all, agent: false },
        (response) => {
          const pieces: Buffer[] = [];
          response.on("data", (piece: Buffer) => pieces.push(piece));
          response.on("error", reject);
          response.on("end", () => {
            const said = Buffer.concat(pieces).toString("utf8");
            const isJson = response.headers["content-type"]?.startsWith("application/json") ?? false;
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              text: said,
              json: isJson ? JSON.parse(said) : undefined,
            });
          });
        },
      );
      request.on("error", reject);
      request.end(text);
    });
  }

  /** Sends a change as the monitor's own page does. */
  async change(path: string, sent: Sent = {}): Promise<Answer> {
    const own = await this.ownHeaders(sent.headers);
    return this.send(path, { method: "POST", ...sent, headers: { ...own, ...sent.headers } });
  }

  async ownHeaders(headers: Readonly<Record<string, string>> = {}): Promise<Record<string, string>> {
    const session = await this.send("/api/session", {
      headers: headers["authorization"] === undefined ? {} : { authorization: headers["authorization"] },
    });
    return {
      "content-type": "application/json",
      origin: this.url.origin,
      "sec-fetch-site": "same-origin",
      "x-tq-csrf": (session.json as Session).csrf ?? "",
    };
  }

  async stop(): Promise<void> {
    await this.client.close();
    await this.monitor.close();
  }
}

const started = new Set<MonitorRig>();

afterEach(async () => {
  await Promise.all([...started].map((rig) => rig.stop()));
  started.clear();
});

export function basic(user: string, password: string): Record<string, string> {
  return { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}` };
}
