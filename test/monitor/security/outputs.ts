import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect } from "vitest";
import { Inspector, memoryEngine, Task } from "../../../src/index.ts";
import { createMonitor } from "../../../src/monitor/index.ts";
import { readStaticFiles } from "../../../src/monitor/static-files.ts";
import { silentLogger } from "../../../src/runtime/logger.ts";
import { basic, MonitorRig } from "../monitor-rig.ts";
import { ADA, auth, bodyFor, type Requirements, ROUTES, raw, sources, status, withTask } from "./people.ts";

const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";
const HEADERS = {
  "content-security-policy": CSP,
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "x-frame-options": "DENY",
  "cache-control": "no-store",
};

export const OUTPUTS: Requirements = {
  "S11 headers on every answer": {
    "whatever is asked, by whomever": async () => {
      const rig = await withTask({ auth });
      const seen = new Set<number>();
      const check = (what: string, answer: { status: number; headers: object }) => {
        seen.add(answer.status);
        expect([what, answer.headers]).toEqual([what, expect.objectContaining(HEADERS)]);
      };
      check("a change", await rig.change("/api/queues/low/pause", { headers: ADA }));
      for (const { route, method, path } of ROUTES) {
        if (path === "/api/live") continue;
        check(`${route} by nobody`, await rig.send(path, { method }));
        check(`${route} from elsewhere`, await rig.send(path, { method, headers: { host: "evil.example" } }));
        check(`OPTIONS ${path}`, await rig.send(path, { method: "OPTIONS" }));
        check(`PATCH ${path}`, await rig.send(path, { method: "PATCH", headers: ADA }));
        const sent = { method, headers: ADA, body: method === "GET" ? undefined : bodyFor(route) };
        check(route, await (method === "GET" ? rig.send(path, sent) : rig.change(path, sent)));
      }
      const long = await rig.change("/api/tasks", { headers: ADA, body: "x".repeat(2_000_000) });
      check("a long body", long);
      const headers = { ...ADA, "content-type": "text/plain" };
      check("text", await rig.send("/api/tasks", { method: "POST", headers, body: "{}" }));
      for (let wrong = 0; wrong < 11; wrong += 1) {
        check("a wrong login", await rig.send("/", { headers: basic("ada", `wrong${wrong}`) }));
      }
      for (const code of [200, 204, 400, 401, 404, 405, 413, 415, 421, 429]) {
        expect([...seen].sort()).toContain(code);
      }
    },
    "and on those that no route gives": async () => {
      const rig = await MonitorRig.start();
      const twice = await raw(rig, "GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n");
      for (const [name, value] of Object.entries(HEADERS)) expect(twice).toContain(`${name}: ${value}\r\n`);
      await using monitor = createMonitor({ engine: "memory:", logger: silentLogger, basePath: "/monitor" });
      const server = createServer(monitor.node).listen(0, "127.0.0.1");
      await new Promise((resolve) => server.once("listening", resolve));
      const { port } = server.address() as { port: number };
      const moved = await fetch(`http://127.0.0.1:${port}/monitor`, { redirect: "manual" });
      expect(moved.status).toBe(308);
      expect(Object.fromEntries(moved.headers)).toMatchObject(HEADERS);
      server.close();
    },
    "streams too": async () => {
      const rig = await MonitorRig.start();
      const response = await fetch(new URL("/api/live?topics=overview", rig.url));
      expect(Object.fromEntries(response.headers)).toMatchObject({
        ...HEADERS,
        "cache-control": "no-store, no-transform",
        "content-type": "text/event-stream; charset=utf-8",
      });
      await response.body!.cancel();
    },
  },
  "S12 what is no HTML is never HTML": {
    "metrics, files, errors and events, whatever queues and tasks are called": async () => {
      const rig = await MonitorRig.start();
      const name = "<script>alert(1)</script>";
      await rig.client.enqueue(new Task(name, { html: name }), { queue: name, taskId: name });
      const path = `/api/queues/${encodeURIComponent(name)}`;
      for (const [asked, type] of [
        ["/metrics", "text/plain; version=0.0.4; charset=utf-8"],
        ["/metrics?names=asynq", "text/plain; version=0.0.4; charset=utf-8"],
        [path, "application/json; charset=utf-8"],
        [`${path}/tasks/${encodeURIComponent(name)}`, "application/json; charset=utf-8"],
        [`${path}/tasks/${encodeURIComponent(name)}/payload`, "text/plain; charset=utf-8"],
        [`${path}/tasks/${encodeURIComponent(name)}/result`, "text/plain; charset=utf-8"],
        [`/api/${encodeURIComponent(name)}`, "application/json; charset=utf-8"],
        ["/api/openapi.json", "application/json; charset=utf-8"],
      ] as const) {
        const { headers } = await rig.send(asked, { headers: { accept: "*/*" } });
        expect([asked, headers["content-type"], headers["x-content-type-options"]]).toEqual([
          asked,
          type,
          "nosniff",
        ]);
        const isFile = /payload$|result$/.test(asked);
        expect([asked, headers["content-disposition"]?.startsWith("attachment;") ?? false]).toEqual([
          asked,
          isFile,
        ]);
      }
    },
    "a file's name is ours, whatever the task's is": async () => {
      const rig = await MonitorRig.start();
      const id = 'a"; filename="evil.html\r\nset-cookie: x=1';
      await rig.client.enqueue(new Task("x", new Uint8Array([0xff])), { taskId: id });
      const { headers } = await rig.send(`/api/queues/default/tasks/${encodeURIComponent(id)}/payload`);
      expect(headers["content-disposition"]).toBe('attachment; filename="task.bin"');
      expect(headers["content-type"]).toBe("application/octet-stream");
      expect(headers).not.toHaveProperty("set-cookie");
    },
  },
  "S13 no path leads out": {
    "links among the files are no files": async () => {
      const directory = mkdtempSync(join(tmpdir(), "tq-ui-"));
      const outside = mkdtempSync(join(tmpdir(), "tq-outside-"));
      try {
        mkdirSync(join(directory, "assets"));
        writeFileSync(join(directory, "index.html"), "<title>TitanQueue Monitor</title>");
        writeFileSync(join(directory, "assets/app.js"), "1");
        writeFileSync(join(outside, "secret.txt"), "secret");
        symlinkSync(join(outside, "secret.txt"), join(directory, "assets/link.txt"));
        symlinkSync(outside, join(directory, "assets/linked"));
        symlinkSync("../../../../../../etc/passwd", join(directory, "passwd.txt"));
        expect([...readStaticFiles(directory).keys()].sort()).toEqual(["assets/app.js", "index.html"]);
      } finally {
        rmSync(directory, { recursive: true });
        rmSync(outside, { recursive: true });
      }
    },
    "a path is looked up, and never joined": async () => {
      for (const text of sources()) {
        expect(/\bjoin\(.*(?:req|path|url)\b/i.test(text) && !text.includes("readdirSync")).toBe(false);
      }
    },
  },
  "S17 no prototype is reached": {
    "by groups, headers, payloads, topics and options": async () => {
      const rig = await MonitorRig.start();
      for (const name of ["__proto__", "constructor", "toString", "hasOwnProperty"]) {
        const payload = new TextEncoder().encode(
          '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}',
        );
        await rig.client.enqueue(new Task(name, payload), { queue: "default", taskId: name, group: name });
        const groups = (await rig.send("/api/queues/default/groups")).json.groups;
        expect(groups.map(({ group }: { group: string }) => group)).toContain(name);
        const { json } = await rig.send(`/api/queues/default/tasks/${name}`);
        expect([json.group, json.type]).toEqual([name, name]);
        const found = await rig.send(`/api/tasks?filter=${encodeURIComponent(`payload.${name}.polluted:1`)}`);
        expect([found.status, found.json.tasks.length > 0]).toEqual([200, name === "__proto__"]);
        const body = `{"type":"a","payload":{"kind":"none","text":""},"options":{"${name}":{"polluted":1}}}`;
        expect(await status(rig.change("/api/tasks", { body }))).toBe(400);
      }
      const headers = [{ name: "__proto__", value: "x" }];
      const body = { type: "a", payload: { kind: "none", text: "" }, options: { headers, taskId: "h" } };
      expect((await rig.change("/api/tasks", { body })).status).toBeLessThan(500);
      expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    },
  },
  "S21 payloads are shown, and no more": {
    "and little memory goes into it": async () => {
      setFlagsFromString("--expose-gc");
      const collect = runInNewContext("gc") as () => void;
      const rig = await MonitorRig.start();
      const payload = new TextEncoder().encode(JSON.stringify("x".repeat(8_000_000)));
      await rig.client.enqueue(new Task("big", payload), { taskId: "big" });
      const used = async () => {
        const { json } = await rig.send("/api/queues/default/tasks/big");
        expect(json.payload.text.length).toBeLessThanOrEqual(65_536);
        collect();
        return process.memoryUsage().heapUsed;
      };
      const before = await used();
      let after = before;
      for (let look = 0; look < 5; look += 1) after = await used();
      expect(after - before).toBeLessThan(30e6);
    },
    "nothing in them is run": async () => {
      for (const text of sources())
        expect(text).not.toMatch(/\beval\(|new Function\(|node:vm|JSON\.parse\([^,()]+, [^u]/);
    },
  },
  "S29 nobody is led elsewhere": {
    "there is no address to go on to": async () => {
      const rig = await MonitorRig.start();
      for (const next of [
        "//evil.example",
        "https:evil.example",
        "/\\evil.example",
        "https://evil.example",
      ]) {
        for (const path of [
          `/login?next=${encodeURIComponent(next)}`,
          `/?next=${encodeURIComponent(next)}`,
        ]) {
          const { status: code, headers } = await rig.send(path);
          expect([path, code, headers.location]).toEqual([path, 200, undefined]);
        }
      }
    },
    "where it is mounted by a name that looks like a URL, either": async () => {
      await using monitor = createMonitor({ engine: memoryEngine(), logger: silentLogger });
      const server = createServer((request, response) => {
        // As a framework mounts it under whatever the first part of the path is.
        const message = Object.assign(request, { originalUrl: request.url });
        message.url = "/";
        monitor.node(message, response);
      }).listen(0, "127.0.0.1");
      await new Promise((resolve) => server.once("listening", resolve));
      const { port } = server.address() as { port: number };
      const asked = `http://127.0.0.1:${port}/https:evil.example`;
      const moved = await fetch(asked, { redirect: "manual" });
      expect(moved.status).toBe(308);
      expect(new URL(moved.headers.get("location")!, asked).host).toBe(`127.0.0.1:${port}`);
      server.close();
    },
    "and nobody frames it": async () => {
      const { headers } = await (await MonitorRig.start()).send("/");
      expect([headers["x-frame-options"], headers["content-security-policy"]]).toEqual(["DENY", CSP]);
    },
  },
  "S28 what destroys asks once, and is written down": {
    "how many there are is told before, and nothing is done": async () => {
      const rig = await withTask();
      let { json } = await rig.change("/api/operations", {
        body: { action: "delete", filter: "", dryRun: true },
      });
      while (json.status === "running") json = (await rig.send(`/api/operations/${json.id}`)).json;
      expect(json).toMatchObject({ status: "done", matched: 1, changed: 0 });
      await using inspector = new Inspector(rig.engine);
      expect((await inspector.getQueueInfo("low")).scheduled).toBe(1);
    },
    "names cannot forge a line, nor push others out": async () => {
      const said: unknown[] = [];
      const keep = (fields: object) => said.push(fields);
      const rig = await withTask({ auth, logger: { debug: keep, info: keep, warn: keep, error: keep } });
      await rig.client.enqueue(new Task("a"), { queue: "low one", taskId: "x" });
      await rig.change("/api/queues/low/pause", { headers: ADA });
      await rig.change(`/api/queues/${encodeURIComponent("low one")}/pause`, { headers: ADA });
      const on = (await rig.send("/api/audit", { headers: ADA })).json.lines.map(
        (line: { on: string }) => line.on,
      );
      expect(on).toEqual(['"low one"', "low"]);
      for (let at = 0; at < 300; at += 1)
        await rig.change("/api/queues/low/pause", { headers: basic("vera", "right") });
      const { lines } = (await rig.send("/api/audit", { headers: ADA })).json;
      const done = lines.filter((line: { outcome: string }) => line.outcome === "done");
      expect([done.length, lines.length]).toEqual([2, 252]);
    },
    "and done is done, whoever cannot be told": async () => {
      const rig = await withTask({
        onAudit: () => {
          throw new Error("the disk is full");
        },
      });
      expect(await status(rig.change("/api/queues/low/pause"))).toBe(204);
      await using inspector = new Inspector(rig.engine);
      expect((await inspector.getQueueInfo("low")).paused).toBe(true);
    },
  },
  "errors never say what was sent": {
    "nor do hints of filters": async () => {
      const rig = await MonitorRig.start();
      for (const filter of [
        "canary",
        "canary:1",
        "state:canary",
        "since:canary",
        "type.canary:x",
        '"canary',
      ]) {
        const {
          text,
          status: code,
          json,
        } = await rig.send(`/api/tasks?filter=${encodeURIComponent(filter)}`);
        expect([filter, code, json.error.code, text.includes("canary")]).toEqual([
          filter,
          400,
          "FILTER_INVALID",
          false,
        ]);
      }
    },
  },
};
