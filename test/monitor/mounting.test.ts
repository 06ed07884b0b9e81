import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import express from "express";
import fastify from "fastify";
import { Hono } from "hono";
import { afterEach, describe, expect, it } from "vitest";
import { Client, memoryEngine, Task } from "../../src/index.ts";
import { createMonitor, type Monitor, type MonitorOptions } from "../../src/monitor/index.ts";
import { silentLogger } from "../../src/runtime/logger.ts";

const ends: (() => Promise<unknown> | unknown)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function monitorOf(options: MonitorOptions = {}): Promise<Monitor> {
  const engine = memoryEngine();
  const client = new Client(engine);
  const monitor = createMonitor({ engine, logger: silentLogger, ...options });
  ends.push(() => client.close());
  ends.push(() => monitor.close());
  await client.enqueue(new Task("email:welcome", {}), { taskId: "one" });
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

/** Each takes the monitor below `/tools/monitor`, as its guide says, and answers with the origin. */
const MOUNTS: Record<string, () => Promise<string>> = {
  "node:http": async () => {
    const monitor = await monitorOf({ basePath: "/tools/monitor" });
    return listening(createServer(monitor.node));
  },
  Express: async () => {
    const monitor = await monitorOf();
    return listening(createServer(express().use("/tools/monitor", monitor.node)));
  },
  "Express, behind its body parser": async () => {
    const monitor = await monitorOf();
    return listening(createServer(express().use(express.json()).use("/tools/monitor", monitor.node)));
  },
  Fastify: async () => {
    const monitor = await monitorOf({ basePath: "/tools/monitor" });
    const app = fastify();
    ends.push(() => app.close());
    await app.register(async (scope) => {
      scope.removeAllContentTypeParsers();
      scope.addContentTypeParser("*", (_request, _payload, done) => done(null));
      for (const path of ["/tools/monitor", "/tools/monitor/*"]) {
        scope.all(path, (request, reply) => {
          reply.hijack();
          monitor.node(request.raw, reply.raw);
        });
      }
    });
    await app.ready();
    await app.listen({ port: 0, host: "127.0.0.1" });
    return `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
  },
  Hono: async () => {
    const monitor = await monitorOf({ basePath: "/tools/monitor" });
    const app = new Hono();
    app.all("/tools/monitor/*", (context) => monitor.fetch(context.req.raw, context.env as object));
    return listening(createServer(getRequestListener(app.fetch)));
  },
};

describe.each(Object.entries(MOUNTS))("below a path in %s", (_name, mount) => {
  it("serves its page and its API, takes changes, and streams", async () => {
    const origin = await mount();
    const at = (path: string) => `${origin}/tools/monitor/${path}`;
    const page = await fetch(at("queues/default/tasks"));
    expect([page.status, page.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
    expect(await page.text()).not.toContain('"/');
    const session = (await (await fetch(at("api/session"))).json()) as { csrf: string };
    const changed = await fetch(at("api/queues/default/tasks/one/cancel"), {
      method: "POST",
      body: '{"then":"delete"}',
      headers: { "content-type": "application/json", "x-tq-csrf": session.csrf, origin },
    });
    expect([changed.status, await changed.json()]).toEqual([200, { outcome: "canceled" }]);
    const stream = await fetch(at("api/live?topics=overview"));
    const reader = stream.body!.getReader();
    let text = "";
    while (!text.includes("event: snapshot")) {
      const { value, done } = await reader.read();
      expect(done).toBe(false);
      text += Buffer.from(value!).toString();
    }
    await reader.cancel();
  });
});

it("sends whoever leaves out the slash at the end to where relative addresses hold", async () => {
  for (const name of ["node:http", "Express", "Fastify"]) {
    const origin = await MOUNTS[name]!();
    const answer = await fetch(`${origin}/tools/monitor`, { redirect: "manual" });
    expect([answer.status, answer.headers.get("location")]).toEqual([308, "./monitor/"]);
  }
});

it("answers a web request only where it knows that the client may be answered", async () => {
  const open = await monitorOf();
  const request = () => new Request("http://localhost/api/queues", { headers: { host: "localhost" } });
  expect((await open.fetch(request())).status).toBe(403);
  expect((await open.fetch(request(), { address: "203.0.113.9" })).status).toBe(403);
  expect((await open.fetch(request(), { address: "127.0.0.1" })).status).toBe(200);
  const guarded = await monitorOf({ auth: "none" });
  expect((await guarded.fetch(request())).status).toBe(200);
});
