import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { createServer, get, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import type { MiddlewareConsumer, NestModule } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import express from "express";
import { afterEach, beforeAll, expect, it } from "vitest";
import { memoryEngine } from "../../src/index.ts";
import { createMonitor, type Monitor, type MonitorOptions } from "../../src/monitor/index.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { requirePages, visit } from "./visit.ts";

const ends: (() => Promise<unknown> | unknown)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

function monitorOf(options: MonitorOptions = {}): Monitor {
  const monitor = createMonitor({ engine: memoryEngine(), logger: silentLogger, ...options });
  ends.push(() => monitor.close());
  return monitor;
}

async function listening(server: Server): Promise<string> {
  await once(server.listen(0, "127.0.0.1"), "listening");
  ends.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const root = fileURLToPath(new URL("../..", import.meta.url));

beforeAll(requirePages, 120_000);

/** The programs of `examples/mounting`, as they stand. */
it.each(readdirSync(join(root, "examples/mounting")).filter((name) => name.endsWith(".ts")))(
  "examples/mounting/%s serves the page and the API, takes changes, streams, and ends",
  async (name) => {
    const program = spawn(process.execPath, ["--import", "tsx", join("examples/mounting", name)], {
      cwd: root,
      env: { ...process.env, TITANQUEUE_URL: "memory:", PORT: "0" },
      stdio: ["ignore", "pipe", "inherit"],
    });
    ends.push(() => program.kill("SIGKILL"));
    const closed = once(program, "close");
    const [line] = (await once(createInterface(program.stdout), "line")) as [string];
    const url = line.replace(/\/$/, "");
    await visit(url);
    const [stream] = (await once(get(`${url}/api/live?topics=overview`, { agent: false }), "response")) as [
      IncomingMessage,
    ];
    program.kill("SIGINT");
    expect(await text(stream)).toContain("event: snapshot");
    // Nest ends by the signal itself, once all is closed.
    expect(await closed).toEqual(name === "nest.ts" ? [null, "SIGINT"] : [0, null]);
  },
);

/** Other ways to the monitor below `/tools/monitor`. Each answers with the origin. */
const MOUNTS: Record<string, () => Promise<string>> = {
  "node:http": async () => {
    const monitor = monitorOf({ basePath: "/tools/monitor" });
    return listening(createServer(monitor.node));
  },
  "Express, behind its body parser": async () => {
    const monitor = monitorOf();
    return listening(createServer(express().use(express.json()).use("/tools/monitor", monitor.node)));
  },
  "Nest, as middleware behind its body parser": async () => {
    const monitor = monitorOf();
    class AppModule implements NestModule {
      configure(consumer: MiddlewareConsumer): void {
        consumer.apply(monitor.node).forRoutes("/tools/monitor");
      }
    }
    const app = await NestFactory.create({ module: AppModule }, { logger: ["error"] });
    ends.push(() => app.close());
    ends.push(() => monitor.close());
    await app.listen(0, "127.0.0.1");
    return app.getUrl();
  },
};

it.each(Object.entries(MOUNTS))("below a path in %s, it is all there", async (_name, mount) => {
  await visit(`${await mount()}/tools/monitor/`);
});

it("finds what its page loads where a framework takes away the slash at the end", async () => {
  const monitor = monitorOf({ basePath: "/tools/monitor" });
  const page = async (path: string) =>
    (
      await monitor.fetch(new Request(`http://localhost${path}`, { headers: { host: "localhost" } }), local)
    ).text();
  const local = { address: "127.0.0.1" };
  expect(await page("/tools/monitor")).toContain('href="./monitor/icon.svg"');
  expect(await page("/tools/monitor/")).toContain('href="./icon.svg"');
  expect(await page("/tools/monitor/queues/low")).toContain('href="../icon.svg"');
});

it("sends whoever leaves out the slash at the end to where relative addresses hold", async () => {
  for (const name of Object.keys(MOUNTS)) {
    const origin = await MOUNTS[name]!();
    const answer = await fetch(`${origin}/tools/monitor`, { redirect: "manual" });
    expect([answer.status, answer.headers.get("location")]).toEqual([308, "./monitor/"]);
  }
});

it("answers a web request only where it knows that the client may be answered", async () => {
  const open = monitorOf();
  const request = () => new Request("http://localhost/api/queues", { headers: { host: "localhost" } });
  const refused = await open.fetch(request());
  expect([refused.status, await refused.json()]).toMatchObject([403, { error: { code: "ADDRESS_UNKNOWN" } }]);
  expect((await open.fetch(request(), { address: "203.0.113.9" })).status).toBe(403);
  expect((await open.fetch(request(), { address: "127.0.0.1" })).status).toBe(200);
  const guarded = monitorOf({ auth: "none" });
  expect((await guarded.fetch(request())).status).toBe(200);
});
