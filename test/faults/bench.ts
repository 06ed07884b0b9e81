import { randomUUID } from "node:crypto";
import { afterEach } from "vitest";
import type { Engine } from "../../src/broker/engine.ts";
import { Client } from "../../src/client/client.ts";
import type { Duration } from "../../src/duration.ts";
import { createRedisEngine } from "../../src/engine/redis/redis-engine.ts";
import { Inspector } from "../../src/inspector/inspector.ts";
import type { ServerEventMap, TaskSettled } from "../../src/server/events.ts";
import type { Handler } from "../../src/server/handler.ts";
import { Server } from "../../src/server/server.ts";
import type { ServerOptions } from "../../src/server/server-options.ts";
import { HeardLog } from "../engine/redis/connecting.ts";
import { RespProxy } from "../support/resp-proxy.ts";
import { SHORT_LEASE, SHORT_TIMINGS } from "../support/short-timings.ts";
import { WorkerRig } from "../support/worker-rig.ts";
import { eventually } from "./eventually.ts";

/** What a fault test works with; all of it is closed after the test, before the data is judged. */
export interface Bench {
  engine(url: string, options?: { commandTimeout?: Duration; log?: HeardLog }): Engine;
  client(url: string, options?: { commandTimeout?: Duration }): Client;
  inspector(url: string): Inspector;
  proxy(port: number): Promise<RespProxy>;
  workers(): Promise<WorkerRig>;
  server(url: string, handler: Handler, options?: LocalServerOptions): Promise<LocalServer>;
  unstarted(url: string, handler: Handler, options?: LocalServerOptions): LocalServer;
  /** Closes something else. */
  after(close: () => unknown): void;
}

/** `const bench = benchForFile();`, below `redisForFile()`. */
export function benchForFile(): Bench {
  const closing: (() => unknown)[] = [];
  const after = (close: () => unknown): void => {
    closing.push(close);
  };
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });
  const bench: Bench = {
    after,
    engine(url, { commandTimeout = "2s", log = new HeardLog() } = {}) {
      const engine = createRedisEngine(url, { logger: log, commandTimeout }, { timings: SHORT_LEASE });
      after(() => engine.close());
      return engine;
    },
    client(url, options) {
      const client = new Client(bench.engine(url, options));
      after(() => client.close());
      return client;
    },
    inspector(url) {
      const inspector = new Inspector(bench.engine(url));
      after(() => inspector.close());
      return inspector;
    },
    async proxy(port) {
      const proxy = await RespProxy.start(port);
      after(() => proxy.stop());
      return proxy;
    },
    async workers() {
      const rig = await WorkerRig.create();
      after(() => rig.stop());
      return rig;
    },
    async server(...args) {
      const server = bench.unstarted(...args);
      await server.start();
      return server;
    },
    unstarted(url, handler, { commandTimeout = "2s", ...options } = {}) {
      const log = new HeardLog();
      const server = new LocalServer(bench.engine(url, { log, commandTimeout }), handler, log, options);
      after(() => server.stop());
      return server;
    },
  };
  return bench;
}

/** A name that no other test uses. */
export function freshQueue(): string {
  return `faults-${randomUUID().slice(0, 8)}`;
}

export type LocalServerOptions = Omit<ServerOptions, "logger" | "queues" | "runtime"> & {
  readonly queue?: string;
};

/** A server in the test's own process, with what it told. */
export class LocalServer {
  readonly server: Server;
  readonly log: HeardLog;
  readonly started: ServerEventMap["taskStarted"][] = [];
  readonly settled: TaskSettled[] = [];
  readonly lost: ServerEventMap["leaseLost"][] = [];
  readonly outages: ServerEventMap["engine"]["state"][] = [];
  readonly #handler: Handler;

  constructor(engine: Engine, handler: Handler, log: HeardLog, options: LocalServerOptions) {
    const { queue = "default", ...rest } = options;
    this.log = log;
    this.#handler = handler;
    this.server = new Server(
      engine,
      {
        concurrency: 4,
        queues: { [queue]: 1 },
        retryDelay: () => 50,
        shutdownTimeout: "1s",
        abortGrace: "500ms",
        logger: log,
        ...rest,
      },
      { timings: SHORT_TIMINGS },
    );
    this.server.on("taskStarted", (event) => this.started.push(event));
    this.server.on("taskSettled", (event) => this.settled.push(event));
    this.server.on("leaseLost", (event) => this.lost.push(event));
    this.server.on("engine", ({ state }) => this.outages.push(state));
  }

  async start(): Promise<void> {
    await this.server.start(this.#handler);
  }

  async stop(): Promise<void> {
    await this.server.shutdown({ timeout: 0 });
  }

  /** How often this task was started here. */
  starts(taskId: string): number {
    return this.started.filter((event) => event.taskId === taskId).length;
  }

  /** Waits until the store has recorded the ends of so many attempts. */
  async hasSettled(count: number, within?: number): Promise<void> {
    await eventually(`${count} attempts settled`, () => this.settled.length >= count, within);
  }
}
