import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { getRequestListener } from "@hono/node-server";
import type { MiddlewareConsumer, NestModule } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import express from "express";
import { Hono } from "hono";
import { afterEach, beforeAll, expect, it } from "vitest";
import { memoryEngine } from "../../src/index.ts";
import { createMonitor, type Monitor, type MonitorOptions } from "../../src/monitor/index.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { openStream, requirePages, visit } from "./visit.ts";

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
    const stream = await openStream(url);
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

it("compresses what goes out through a web response only where that is told", async () => {
  const monitor = monitorOf({ basePath: "/tools/monitor" });
  const headers = { host: "localhost", "accept-encoding": "gzip" };
  const page = await monitor.fetch(new Request("http://localhost/", { headers }), { address: "127.0.0.1" });
  const [, script] = /src="\.\/(\S+)"/.exec(await page.text()) ?? [];
  const url = new URL(script ?? "", "http://localhost");
  const plain = await monitor.fetch(new Request(url, { headers }), { address: "127.0.0.1" });
  expect(plain.headers.get("content-encoding")).toBeNull();
  const app = new Hono().all("*", (context) => monitor.fetch(context.req.raw, context.env as object));
  const packed = await fetch(
    new URL(url.pathname, await listening(createServer(getRequestListener(app.fetch)))),
  );
  expect(packed.headers.get("content-encoding")).toBe("gzip");
  expect(await packed.text()).toBe(await plain.text());
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
