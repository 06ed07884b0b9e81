import { afterAll, describe, expect, it } from "vitest";
import { MonitorExposedError, Task } from "../../src/index.ts";
import { createMonitor } from "../../src/monitor/index.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { FakeClock, fakeRuntime } from "../../src/testing/index.ts";
import { basic, MonitorRig } from "./monitor-rig.ts";
import { COMMAND } from "./security/command.ts";
import { ENGINE } from "./security/engine.ts";
import { LIMITS } from "./security/limits.ts";
import { OUTPUTS } from "./security/outputs.ts";
import { PACKAGE } from "./security/package.ts";
import {
  ADA,
  auth,
  bodyFor,
  CHANGES,
  dump,
  type Requirements,
  ROUTES,
  raw,
  source,
  sources,
  status,
  tokens,
  users,
  VERA,
  withTask,
} from "./security/people.ts";
import { SCOPES } from "./security/scopes.ts";

const MONITOR: Requirements = {
  "S01 listens on this machine alone": {
    "by default": async () => {
      expect((await MonitorRig.start()).url.hostname).toBe("127.0.0.1");
    },
    "and refuses other addresses without auth": async () => {
      for (const host of ["0.0.0.0", "::", "192.0.2.1", "example.com"]) {
        await using monitor = createMonitor({ engine: "memory:", logger: silentLogger });
        await expect(monitor.listen({ host, port: 0 })).rejects.toBeInstanceOf(MonitorExposedError);
      }
    },
  },
  "S02 every route asks who is there": {
    "all but /healthz": async () => {
      const rig = await withTask({ auth });
      for (const { route, method, path } of ROUTES) {
        const wanted = route === "GET /healthz" ? 200 : 401;
        expect([route, await status(rig.send(path, { method }))]).toEqual([route, wanted]);
      }
    },
    "pages and files too": async () => {
      const rig = await MonitorRig.start({ auth });
      for (const path of ["/", "/queues/low", "/assets/app.js"]) {
        expect([path, await status(rig.send(path))]).toEqual([path, 401]);
      }
    },
    "/healthz tells nothing else": async () => {
      expect((await (await MonitorRig.start({ auth })).send("/healthz")).text).toBe('{"ok":true}');
    },
    "authorize decides alone": async () => {
      const rig = await MonitorRig.start({
        authorize: (request) =>
          request.headers.get("x-session") === "s" ? { user: "u", role: "view" } : null,
      });
      expect(await status(rig.send("/api/queues"))).toBe(401);
      const answer = await rig.send("/api/session", { headers: { "x-session": "s" } });
      expect(answer.json).toMatchObject({ user: "u", role: "view" });
    },
  },
  "S03 passwords cannot be tried at leisure": {
    "ten wrong ones, then 429 for everything until the window ends": async () => {
      const clock = new FakeClock();
      const rig = await MonitorRig.start({ auth, runtime: { ...fakeRuntime({ seed: 1 }), clock } });
      for (let wrong = 0; wrong < 10; wrong += 1) {
        expect(await status(rig.send("/api/queues", { headers: basic("ada", `wrong${wrong}`) }))).toBe(401);
      }
      const refused = await rig.send("/api/queues", { headers: ADA });
      expect([refused.status, refused.headers["retry-after"]]).toEqual([429, "60"]);
      await clock.advance(60_001);
      expect(await status(rig.send("/api/session", { headers: ADA }))).toBe(200);
    },
    "compares in constant time": async () => {
      for (const file of ["password.ts", "authentication.ts", "csrf.ts"]) {
        expect(source(file)).toContain("timingSafeEqual(");
      }
    },
  },
  "S05 answers by its own names": {
    alone: async () => {
      const rig = await MonitorRig.start({ allowedHosts: ["queues.example.com"] });
      const { port } = rig.url;
      const to = (host: string) => status(rig.send("/api/queues", { headers: { host } }));
      for (const host of [`127.0.0.1:${port}`, "localhost", `[::1]:${port}`, "queues.example.com"]) {
        expect([host, await to(host)]).toEqual([host, 200]);
      }
      for (const host of ["evil.example", "localhost.evil.example", "192.0.2.1"]) {
        expect([host, await to(host)]).toEqual([host, 421]);
      }
    },
    "whatever X-Forwarded-Host says": async () => {
      const headers = { host: "evil.example", "x-forwarded-host": "localhost" };
      const rig = await MonitorRig.start();
      expect(await status(rig.send("/api/queues", { headers }))).toBe(421);
      const trusting = await MonitorRig.start({ trustProxy: true });
      expect(await status(trusting.send("/api/queues", { headers }))).toBe(200);
    },
    "two Host headers are none": async () => {
      const rig = await MonitorRig.start();
      const answer = await raw(rig, "GET /api/queues HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\n\r\n");
      expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    },
    "on pages too": async () => {
      const rig = await MonitorRig.start();
      expect(await status(rig.send("/", { headers: { host: "evil.example" } }))).toBe(421);
    },
  },
  "S06 no other origin reads": {
    "no CORS headers": async () => {
      const rig = await MonitorRig.start();
      const answer = await rig.send("/api/queues", { headers: { origin: "https://evil.example" } });
      expect(answer.status).toBe(403);
      expect(Object.keys(answer.headers).filter((name) => name.startsWith("access-control"))).toEqual([]);
    },
    "no preflight": async () => {
      const rig = await MonitorRig.start();
      for (const { path } of ROUTES) {
        const answer = await rig.send(path, {
          method: "OPTIONS",
          headers: { origin: "https://evil.example", "access-control-request-method": "POST" },
        });
        expect(answer.status).toBe(405);
        expect(answer.headers).not.toHaveProperty("allow");
      }
    },
  },
  "S07 changes come from our own page": {
    "each of the four is asked for": async () => {
      const rig = await withTask();
      const own = await rig.ownHeaders();
      const path = "/api/queues/low/pause";
      const without = (name: string) =>
        Object.fromEntries(Object.entries(own).filter(([key]) => key !== name));
      const post = (headers: Record<string, string>) => status(rig.send(path, { method: "POST", headers }));
      expect(await status(rig.send(path))).toBe(405);
      expect(await post({ ...own, "content-type": "text/plain" })).toBe(415);
      expect(await post({ ...own, origin: "https://evil.example" })).toBe(403);
      expect(await post({ ...own, origin: "null" })).toBe(403);
      expect(await post({ ...own, "sec-fetch-site": "cross-site" })).toBe(403);
      expect(await post({ ...own, "sec-fetch-site": "same-site" })).toBe(403);
      expect(await post(without("x-tq-csrf"))).toBe(403);
      expect(await post({ ...own, "x-tq-csrf": "a".repeat(own["x-tq-csrf"]!.length) })).toBe(403);
      const { origin: _, "sec-fetch-site": __, ...silent } = own;
      expect(await post(silent as Record<string, string>)).toBe(403);
      expect(JSON.parse(await dump(rig))[0][0].paused).toBe(false);
      expect(await post(own)).toBe(204);
    },
    "on every changing route": async () => {
      const rig = await withTask();
      const before = await dump(rig);
      for (const { route, method, path } of CHANGES) {
        const headers = { "content-type": "application/json", origin: rig.url.origin };
        const answer = await rig.send(path, { method, headers, body: bodyFor(route) });
        expect([route, answer.status, answer.json.error.code]).toEqual([route, 403, "CSRF"]);
      }
      expect(await dump(rig)).toBe(before);
    },
    "a bearer token is enough for programs": async () => {
      const rig = await withTask({ auth });
      const headers = { authorization: `Bearer ${tokens[0]!.token}`, "content-type": "application/json" };
      expect(await status(rig.send("/api/queues/low/pause", { method: "POST", headers }))).toBe(204);
      const text = { ...headers, "content-type": "text/plain" };
      expect(await status(rig.send("/api/queues/low/pause", { method: "POST", headers: text }))).toBe(415);
    },
  },
  "S08 streams are for those who may read": {
    "no other origin": async () => {
      const rig = await MonitorRig.start();
      const headers = { origin: "https://evil.example" };
      expect(await status(rig.send("/api/live?topics=overview", { headers }))).toBe(403);
    },
    "closed within 5 s once the credentials are gone": async () => {
      const clock = new FakeClock();
      let known = users;
      const runtime = { ...fakeRuntime({ seed: 1 }), clock };
      const rig = await MonitorRig.start({ auth: () => ({ users: known }), runtime });
      const response = await fetch(new URL("/api/live?topics=overview", rig.url), { headers: ADA });
      const reader = response.body!.getReader();
      await reader.read();
      known = [];
      let ended = false;
      const drained = (async () => {
        while (!(await reader.read()).done);
        ended = true;
      })();
      for (let second = 0; second < 5; second += 1) await clock.advance(1_000);
      await drained;
      expect(ended).toBe(true);
    },
  },
  "S09 roles are kept in the server": {
    "view changes nothing": async () => {
      const rig = await withTask({ auth });
      const before = await dump(rig);
      for (const { route, method, path } of CHANGES) {
        const answer = await rig.change(path, { method, headers: VERA, body: bodyFor(route) });
        expect([route, answer.status, answer.json.error.code]).toEqual([route, 403, "FORBIDDEN"]);
      }
      expect(await dump(rig)).toBe(before);
    },
    "read-only changes nothing, whoever asks": async () => {
      const rig = await withTask({ readOnly: true });
      const before = await dump(rig);
      for (const { route, method, path } of CHANGES) {
        const answer = await rig.change(path, { method, body: bodyFor(route) });
        expect([route, answer.json.error.code]).toEqual([route, "READ_ONLY"]);
      }
      expect(await dump(rig)).toBe(before);
    },
    "operate deletes no queue, and reads no audit log": async () => {
      const rig = await withTask({ auth });
      const headers = basic("olaf", "right");
      const body = { confirm: "low", force: true };
      expect(await status(rig.change("/api/queues/low", { method: "DELETE", headers, body }))).toBe(403);
      expect(await status(rig.send("/api/audit", { headers }))).toBe(403);
      expect(await status(rig.change("/api/queues/low/pause", { headers }))).toBe(204);
    },
    "a scope of queues hides all others": async () => {
      const rig = await withTask({ auth });
      await rig.client.enqueue(new Task("m", {}), { queue: "mail-a", taskId: "two" });
      const headers = basic("mia", "right");
      for (const { route, method, path } of ROUTES) {
        if (route === "GET /healthz" || route === "GET /api/openapi.json" || route.includes("schedulers"))
          continue;
        if (route === "GET /api/live" || route === "POST /api/operations") continue;
        const query = path.includes("snapshot")
          ? "?topics=overview,queue:low"
          : path.endsWith("/tasks") && method === "GET"
            ? "?state=scheduled"
            : "";
        const sent = { method, headers, body: method === "GET" ? undefined : bodyFor(route) };
        const answer = await (method === "GET" ? rig.send(path + query, sent) : rig.change(path, sent));
        expect([route, /"one"|"queue":"low"|email:welcome/.test(answer.text)]).toEqual([route, false]);
      }
      const found = await rig.send("/api/tasks", { headers });
      expect(found.json.tasks).toMatchObject([{ id: "two" }]);
      expect((await rig.send("/api/queues/low/tasks/one", { headers })).json.error.code).toBe(
        "QUEUE_NOT_FOUND",
      );
    },
  },
  "S10 nothing is put into a page as HTML": {
    "no sink in the source": async () => {
      for (const text of sources())
        expect(text).not.toMatch(/innerHTML|outerHTML|document\.write|insertAdjacent/);
    },
  },
  "S11 headers on every answer": {
    "errors included": async () => {
      const rig = await withTask();
      for (const path of [
        ...ROUTES.map((each) => each.path),
        "/",
        "/nothing/here",
        "/api/nothing",
        "/assets/x",
      ]) {
        if (path === "/api/live") continue;
        const { headers } = await rig.send(path);
        expect(headers["content-security-policy"]).toBe(
          "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
        );
        expect(headers).toMatchObject({
          "x-content-type-options": "nosniff",
          "referrer-policy": "no-referrer",
          "cache-control": "no-store",
          "x-frame-options": "DENY",
        });
      }
    },
    "no inline script in the page": async () => {
      const { text } = await (await MonitorRig.start()).send("/");
      expect(text).not.toMatch(/<script(?![^>]*\bsrc=)|\son\w+=|style=/);
    },
  },
  "S12 what is no HTML is never HTML": {
    "payloads and results are files": async () => {
      const rig = await withTask();
      await rig.client.enqueue(new Task("x", new TextEncoder().encode("<script>alert(1)</script>")), {
        queue: "<script>",
        taskId: "<img>",
      });
      const answer = await rig.send("/api/queues/%3Cscript%3E/tasks/%3Cimg%3E/payload");
      expect(answer.text).toBe("<script>alert(1)</script>");
      expect(answer.headers).toMatchObject({
        "content-type": "text/plain; charset=utf-8",
        "content-disposition": 'attachment; filename="task.txt"',
        "x-content-type-options": "nosniff",
      });
    },
  },
  "S13 no path leads out": {
    "however it is written": async () => {
      const rig = await MonitorRig.start();
      const paths = [
        "/assets/../../package.json",
        "/assets/%2e%2e%2f%2e%2e%2fpackage.json",
        "/..%5c..%5cpackage.json",
        "/assets/%00",
        "//etc/passwd",
        "/assets/%252e%252e/package.json",
        "/../../../../etc/passwd",
      ];
      for (const path of paths) {
        const { status: code, text } = await rig.send(path);
        expect([path, /root:|"dependencies"/.test(text)]).toEqual([path, false]);
        expect([path, code === 404 || text.includes("<title>TitanQueue Monitor")]).toEqual([path, true]);
      }
    },
  },
  "S14 sizes are limited": {
    "2 MB of body": async () => {
      const rig = await MonitorRig.start();
      const body = JSON.stringify({ type: "x".repeat(2_000_000) });
      expect(await status(rig.change("/api/tasks", { body }))).toBe(413);
    },
    "without a length, too": async () => {
      const rig = await MonitorRig.start();
      const headers = { ...(await rig.ownHeaders()), "transfer-encoding": "chunked" };
      const body = JSON.stringify({ type: "x".repeat(2_000_000) });
      expect(await status(rig.send("/api/tasks", { method: "POST", headers, body }))).toBe(413);
    },
    "100 KB of headers": async () => {
      const rig = await MonitorRig.start();
      expect(await status(rig.send("/", { headers: { "x-long": "a".repeat(100_000) } }))).toBe(431);
    },
    "JSON of 10,000 lists in one another": async () => {
      const rig = await MonitorRig.start();
      expect(await status(rig.change("/api/tasks", { body: "[".repeat(10_000) + "]".repeat(10_000) }))).toBe(
        400,
      );
    },
  },
  "S15 queries are limited": {
    "by their schema": async () => {
      const rig = await withTask();
      const wrong = [
        "/api/queues/low/tasks?state=scheduled&page_size=1000000000",
        "/api/queues/low/tasks?state=scheduled&page_size=-1",
        "/api/queues/low/tasks?state=scheduled&page=NaN",
        "/api/queues/low/tasks?state=scheduled&page=1.5",
        "/api/queues/low/tasks?state=scheduled&page=1&page=2",
        "/api/queues/low/tasks?state=scheduled&page[]=1",
        "/api/queues/low/tasks?state=nonsense",
        "/api/queues/low/tasks",
        "/api/queues/low/history?days=9999999",
        "/api/tasks?limit=0",
        "/api/live?topics=overview&refresh=1",
        "/api/snapshot?topics=everything",
      ];
      for (const path of wrong) expect([path, await status(rig.send(path))]).toEqual([path, 400]);
    },
  },
  "S16 no pattern takes long": {
    filters: async () => {
      const rig = await withTask();
      for (const filter of [`error:~${"(a+)+$"}`, `type:${"*a".repeat(1_900)}`]) {
        expect(await status(rig.send(`/api/tasks?filter=${encodeURIComponent(filter)}`))).toBe(200);
      }
    },
    "nobody's text becomes a regular expression": async () => {
      for (const text of sources()) expect(text).not.toContain("RegExp(");
    },
  },
  "S17 no prototype is reached": {
    "by names and bodies": async () => {
      const rig = await withTask();
      for (const name of ["__proto__", "toString", "hasOwnProperty", "constructor"]) {
        await rig.client.enqueue(new Task(name, {}), { queue: name, taskId: name });
        expect((await rig.send(`/api/queues/${name}`)).json.row.queue).toBe(name);
        const live = await rig.send(`/api/snapshot?topics=queue:${name}`);
        expect(live.json.queues[name].row.queue).toBe(name);
        expect(await status(rig.send(`/api/tasks?${name}=1`))).toBe(400);
      }
      const body = '{"type":"a","payload":{"kind":"none","text":""},"__proto__":{"polluted":1}}';
      expect(await status(rig.change("/api/tasks", { body }))).toBe(400);
      expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    },
  },
  "S19 names go through as they are, or not at all": {
    "whatever they hold": async () => {
      const rig = await MonitorRig.start();
      let accepted = 0;
      for (const name of ["a{b}", "a:b", "a\r\nb", "a\0b", "a b", "\u{1f600}", "a/b", "%41", "?#"]) {
        const body = {
          type: name,
          payload: { kind: "none", text: "" },
          options: { queue: name, taskId: name },
        };
        const { status: code, json } = await rig.change("/api/tasks", { body });
        if (code === 400) {
          expect(json.error.code).toBe("INVALID_OPTION");
          continue;
        }
        expect([name, code]).toEqual([name, 200]);
        accepted += 1;
        const path = `/api/queues/${encodeURIComponent(name)}/tasks/${encodeURIComponent(name)}`;
        expect((await rig.send(path)).json).toMatchObject({ queue: name, id: name, type: name });
      }
      expect(accepted).toBeGreaterThan(5);
      const long = { type: "a", payload: { kind: "none", text: "" }, options: { queue: "q".repeat(10_000) } };
      expect(await status(rig.change("/api/tasks", { body: long }))).toBe(400);
      expect(await status(rig.send("/api/queues/%zz"))).toBe(400);
    },
  },
  "S21 payloads are shown, and no more": {
    "8 MB of them": async () => {
      const rig = await MonitorRig.start();
      const payload = new TextEncoder().encode(JSON.stringify("x".repeat(8_000_000)));
      await rig.client.enqueue(new Task("big", payload), { taskId: "big" });
      const { json, text } = await rig.send("/api/queues/default/tasks/big");
      expect(json.payload).toMatchObject({ bytes: 8_000_002, truncated: true });
      expect(text.length).toBeLessThan(70_000);
    },
  },
  "S24 one event is one line, and holds no payload": {
    "of the log": async () => {
      const said: unknown[] = [];
      const keep = (fields: object, text: string) => said.push([fields, text]);
      const rig = await withTask({ auth, logger: { debug: keep, info: keep, warn: keep, error: keep } });
      await rig.send("/api/queues/low/tasks/one", { headers: ADA });
      await rig.change("/api/queues/low/tasks/one/archive", { headers: ADA });
      await rig.send("/api/queues", { headers: basic("ada", "canary-password") });
      expect(said.length).toBeGreaterThan(0);
      expect(JSON.stringify(said)).not.toMatch(/canary|right|scrypt|a-token/);
    },
  },
  "S25 secrets stay hidden from those who look": {
    "in payloads, headers and lists": async () => {
      const rig = await withTask({ auth });
      for (const path of [
        "/api/queues/low/tasks/one",
        "/api/queues/low/tasks?state=scheduled",
        "/api/tasks",
      ]) {
        expect((await rig.send(path, { headers: VERA })).text).not.toMatch(/canary-secret|c-secret/);
        expect((await rig.send(path, { headers: ADA })).text).toContain("canary-secret");
      }
      const { json } = await rig.send("/api/queues/low/tasks/one", { headers: VERA });
      expect(JSON.parse(json.payload.text)).toEqual({ to: "x", password: "[redacted]" });
      expect(json.headers).toEqual([{ name: "cookie", value: "[redacted]" }]);
      const whole = await rig.send("/api/queues/low/tasks/one/payload", { headers: VERA });
      expect(whole.text).toBe('{"to":"x","password":"[redacted]"}');
    },
    "and cannot be guessed by searching": async () => {
      const rig = await withTask({ auth });
      for (const filter of [
        "payload.password:canary-secret",
        "payload:~canary",
        "payload.to:~x",
        "payload.a:{*",
      ]) {
        const path = `/api/tasks?filter=${encodeURIComponent(filter)}`;
        expect([filter, await status(rig.send(path, { headers: VERA }))]).toEqual([filter, 403]);
        expect([filter, await status(rig.send(path, { headers: ADA }))]).toEqual([filter, 200]);
      }
      expect(await status(rig.send("/api/tasks?filter=payload.to:x", { headers: VERA }))).toBe(200);
    },
  },
  "S28 what destroys asks once, and is written down": {
    "a queue by its name": async () => {
      const rig = await withTask();
      const method = "DELETE";
      expect(await status(rig.change("/api/queues/low", { method, body: { confirm: "lo" } }))).toBe(400);
      expect(await status(rig.change("/api/queues/low", { method, body: {} }))).toBe(400);
    },
    "who, what, and how many": async () => {
      const rig = await withTask({ auth });
      const body = {
        action: "delete",
        tasks: [
          { queue: "low", id: "one" },
          { queue: "low", id: "none" },
        ],
      };
      await rig.change("/api/changes", { headers: basic("olaf", "right"), body });
      await rig.change("/api/queues/low/pause", { headers: VERA });
      const { lines } = (await rig.send("/api/audit", { headers: ADA })).json;
      expect(lines).toMatchObject([
        {
          user: "vera",
          what: "POST /api/queues/{queue}/pause",
          on: "low",
          outcome: "refused",
          code: "FORBIDDEN",
        },
        { user: "olaf", what: "POST /api/changes", count: 1, outcome: "done" },
      ]);
    },
  },
  "errors never say what was sent": {
    back: async () => {
      const rig = await MonitorRig.start();
      for (const path of [
        "/api/queues/canary",
        "/api/canary",
        "/api/tasks?canary=1",
        "/api/tasks?limit=canary",
      ]) {
        const { text, status: code } = await rig.send(path);
        expect([path, code >= 400, text.includes("canary")]).toEqual([path, true, false]);
      }
      const { text } = await rig.change("/api/tasks", { body: '{"canary' });
      expect(text).not.toContain("canary");
    },
  },
};

const TABLE = new Map<string, [string, () => Promise<void>][]>();
for (const part of [MONITOR, SCOPES, LIMITS, OUTPUTS, ENGINE, COMMAND, PACKAGE]) {
  for (const [requirement, cases] of Object.entries(part)) {
    TABLE.set(requirement, [...(TABLE.get(requirement) ?? []), ...Object.entries(cases)]);
  }
}

let failures = 0;
let checks = 0;
for (const [requirement, cases] of [...TABLE].sort(([a], [b]) => (a < b ? -1 : 1))) {
  describe(requirement, () => {
    for (const [title, check] of cases) {
      it(title, async () => {
        checks += 1;
        failures += 1;
        await check();
        failures -= 1;
      }, 60_000);
    }
  });
}

afterAll(() => {
  console.log(`${TABLE.size} requirements, ${checks} checks, ${failures} failures`);
});
