import { expect } from "vitest";
import { defineTask, Inspector, memoryEngine, Scheduler, Server, Task } from "../../../src/index.ts";
import { Collector } from "../../../src/monitor/collector.ts";
import { Live } from "../../../src/monitor/live.ts";
import { silentLogger } from "../../../src/runtime/logger.ts";
import { systemRuntime } from "../../../src/runtime/runtime.ts";
import { FakeClock, fakeRuntime } from "../../../src/testing/index.ts";
import { parseExposition } from "../../metrics/exposition.ts";
import { basic, MonitorRig } from "../monitor-rig.ts";
import { ADA, auth, dump, type Requirements, status, users, VERA, withTask } from "./people.ts";

/** May do everything, in queues `mail-*` alone. */
const MIA = basic("mia", "right");
const payload = { kind: "json", text: "{}" };

/** Task `one` of the queue `low`, which is not Mia's, and `two` of `mail-a`, which is. */
async function twoQueues(options = {}): Promise<MonitorRig> {
  const rig = await withTask({ auth, ...options });
  await rig.client.enqueue(new Task("m", {}), { queue: "mail-a", taskId: "two", processIn: "1h" });
  return rig;
}

const refusal = async (answer: Promise<{ status: number; text: string }>) => {
  const { status: code, text } = await answer;
  return [code >= 400 && code < 500, /email:welcome|canary/.test(text)];
};

export const SCOPES: Requirements = {
  "S09 roles are kept in the server": {
    "a scope holds for whatever names a queue in its body": async () => {
      const rig = await twoQueues();
      const before = await dump(rig);
      const change = (path: string, body: unknown, method = "POST") =>
        refusal(rig.change(path, { method, headers: MIA, body }));
      const low = { queue: "low", id: "one" };
      const mine = { queue: "mail-a", id: "two" };
      for (const [path, body] of [
        ["/api/tasks", { type: "a", payload, options: { queue: "low" } }],
        // The default queue, which is not named, is not Mia's either.
        ["/api/tasks", { type: "a", payload }],
        ["/api/queues/mail-a/tasks/two/copy", { options: { queue: "low" } }],
        ["/api/queues/low/tasks/one/copy", { options: { queue: "mail-a" } }],
        ["/api/queues/low/tasks/one/copy", {}],
        ["/api/changes", { action: "delete", tasks: [mine, low] }],
        ["/api/operations", { action: "delete", filter: "", queues: ["low"] }],
        ["/api/operations", { action: "delete", filter: "", queues: ["mail-a", "low"] }],
        ["/api/operations", { action: "redrive", filter: "", queues: ["low"] }],
        ["/api/schedulers", { spec: "@daily", type: "a", payload, options: { queue: "low" } }],
        ["/api/schedulers", { spec: "@daily", type: "a", payload }],
      ] as const) {
        expect([path, body, ...(await change(path, body))]).toEqual([path, body, true, false]);
      }
      expect(await change("/api/queues/low", { confirm: "low", force: true }, "DELETE")).toEqual([
        true,
        false,
      ]);
      expect(await dump(rig)).toBe(before);
    },
    "a change of all tasks is one of those in scope": async () => {
      const rig = await twoQueues();
      for (const body of [
        { action: "archive", filter: "" },
        { action: "archive", filter: "queue:low" },
        { action: "archive", filter: "id:one" },
        { action: "archive", filter: "", queues: [] },
        { action: "redrive", filter: "", queues: [] },
      ]) {
        let { json: operation } = await rig.change("/api/operations", { headers: MIA, body });
        while (operation.status === "running") {
          operation = (await rig.send(`/api/operations/${operation.id}`, { headers: ADA })).json;
        }
        expect([body, operation.status]).toEqual([body, "done"]);
      }
      await using inspector = new Inspector(rig.engine);
      expect((await inspector.getTaskInfo({ queue: "low", id: "one" })).state).toBe("scheduled");
      expect((await inspector.getTaskInfo({ queue: "mail-a", id: "two" })).state).toBe("archived");
    },
    "a cursor that was made up leads nowhere, and counts nothing": async () => {
      const rig = await twoQueues();
      for (const place of [
        { at: { queue: "low", state: "scheduled" }, rest: { queue: "low", ids: ["one"] } },
        { at: { queue: "low", state: "scheduled" }, rest: { queue: "mail-a", ids: [] } },
        { rest: { queue: "low", ids: ["one"] } },
      ]) {
        const cursor = Buffer.from(JSON.stringify(place)).toString("base64url");
        for (const filter of ["", "id:one"]) {
          const path = `/api/tasks?cursor=${cursor}&filter=${filter}`;
          const { json, text } = await rig.send(path, { headers: MIA });
          // Of Mia's own one task alone.
          expect([json.total <= 1, json.scanned <= 1, text.includes("email:welcome")]).toEqual([
            true,
            true,
            false,
          ]);
          for (const task of json.tasks) expect(task.queue).toBe("mail-a");
        }
      }
    },
    "an id that two queues have cancels neither of the other's tasks": async () => {
      const clock = new FakeClock();
      const runtime = { ...fakeRuntime({ seed: 1 }), clock };
      const engine = memoryEngine({ runtime });
      const rig = await MonitorRig.start({ auth, engine, runtime });
      const server = new Server(engine, { runtime, logger: silentLogger, queues: { low: 1, "mail-a": 1 } });
      const aborted: string[] = [];
      await server.start(
        (_, { signal, queue }) =>
          new Promise((_resolve, reject) =>
            signal.addEventListener("abort", () => {
              aborted.push(queue);
              reject(signal.reason);
            }),
          ),
      );
      for (const queue of ["low", "mail-a"])
        await rig.client.enqueue(new Task("a"), { queue, taskId: "same" });
      // Servers tell every 5 s what they run.
      await clock.advance(6_000);
      const cancel = (headers: Record<string, string>) =>
        status(rig.change("/api/queues/mail-a/tasks/same/cancel", { headers }));
      expect(await cancel(MIA)).toBe(403);
      await clock.advance(1_000);
      expect(aborted).toEqual([]);
      expect(await cancel(ADA)).toBe(200);
      await clock.advance(1_000);
      expect(aborted.sort()).toEqual(["low", "mail-a"]);
      const down = server.shutdown();
      await clock.advance(10_000);
      await down;
    },
    "schedulers, definitions and servers of other queues are not there": async () => {
      const engine = memoryEngine();
      const tasks = [
        defineTask("secret:report", { options: { queue: "low" } }),
        defineTask("mail:out", { options: { queue: "mail-a" } }),
        defineTask("in-default"),
      ];
      const rig = await MonitorRig.start({ auth, engine, tasks });
      const scheduler = new Scheduler(engine, { logger: silentLogger });
      for (const [id, queue] of [
        ["of-low", "low"],
        ["of-mail", "mail-a"],
      ] as const) {
        await scheduler.put(id, { spec: "@daily", task: new Task(`t:${queue}`), options: { queue } });
      }
      const seen = (await rig.send("/api/schedulers", { headers: MIA })).json.entries;
      expect(seen.map((entry: { id: string }) => entry.id)).toEqual(["of-mail"]);
      for (const path of ["run", "pause", "unpause"]) {
        expect(await status(rig.change(`/api/schedulers/of-low/${path}`, { headers: MIA }))).toBe(404);
      }
      expect(await status(rig.send("/api/schedulers/of-low/events", { headers: MIA }))).toBe(404);
      const { text } = await rig.send("/api/definitions", { headers: MIA });
      expect([/mail:out/.test(text), /secret:report|in-default/.test(text)]).toEqual([true, false]);
      await scheduler.shutdown();
    },
    "metrics, streams and snapshots tell of no other queue": async () => {
      const rig = await twoQueues();
      const { text } = await rig.send("/metrics", { headers: MIA });
      const queues = [...parseExposition(text).values()].flatMap(({ samples }) =>
        samples.flatMap(({ labels }) => labels["queue"] ?? []),
      );
      expect(new Set(queues)).toEqual(new Set(["mail-a"]));
      const topics = "overview,servers,operations,queue:low,queue:mail-a";
      const { json } = await rig.send(`/api/snapshot?topics=${topics}`, { headers: MIA });
      expect([json.queues.low, json.queues["mail-a"].row.queue]).toEqual([null, "mail-a"]);
      expect(json.overview.totals).toMatchObject({ queues: 1 });
      expect(json.overview.health.sentence).not.toMatch(/\blow\b/);
      const response = await fetch(new URL(`/api/live?topics=${topics}`, rig.url), { headers: MIA });
      const reader = response.body!.getReader();
      let said = "";
      while (!said.includes("event: snapshot") || !said.endsWith("\n\n")) {
        said += Buffer.from((await reader.read()).value ?? []).toString();
      }
      await reader.cancel();
      expect([said.includes('"mail-a"'), /"queue":"low"|email:welcome/.test(said)]).toEqual([true, false]);
    },
    "what a wider visitor has begun is not there for narrower ones": async () => {
      const rig = await twoQueues();
      const { json } = await rig.change("/api/operations", {
        headers: ADA,
        body: { action: "archive", filter: "", dryRun: true },
      });
      expect(await status(rig.send(`/api/operations/${json.id}`, { headers: MIA }))).toBe(404);
      expect(await status(rig.change(`/api/operations/${json.id}/stop`, { headers: MIA }))).toBe(404);
      expect((await rig.send("/api/operations", { headers: MIA })).json.operations).toEqual([]);
    },
  },
  "S25 secrets stay hidden from those who look": {
    "under keys that are there twice, and in JSON within JSON": async () => {
      const rig = await MonitorRig.start({ auth });
      const payloads = [
        '{"x":{"password":"canary-secret"},"x":1}',
        '{"pass\\u0077ord":"canary-secret"}',
        '{"body":"{\\"api-key\\":\\"canary-secret\\"}"}',
        '{"list":[{"deep":{"AccessToken":["canary-secret"]}}]}',
        "password=canary-secret",
        `{"password":"canary-secret","long":"${"x".repeat(300_000)}"}`,
      ];
      for (const [at, text] of payloads.entries()) {
        const taskId = `t${at}`;
        await rig.client.enqueue(new Task("p", new TextEncoder().encode(text)), { taskId, processIn: "1h" });
        for (const path of [
          `/api/queues/default/tasks/${taskId}`,
          `/api/queues/default/tasks/${taskId}/payload`,
          "/api/queues/default/tasks?state=scheduled",
          "/api/tasks",
        ]) {
          const seen = await rig.send(path, { headers: VERA });
          expect([text.slice(0, 40), path, seen.status, seen.text.includes("canary")]).toEqual([
            text.slice(0, 40),
            path,
            200,
            false,
          ]);
        }
      }
    },
    "in the headers of periodic tasks and of definitions": async () => {
      const engine = memoryEngine();
      const options = { headers: { authorization: "canary", trace: "seen" } };
      const rig = await MonitorRig.start({ auth, engine, tasks: [defineTask("s", { options })] });
      await using scheduler = new Scheduler(engine, { logger: silentLogger });
      await scheduler.put("stored", { spec: "@daily", task: new Task("s"), options });
      await scheduler.register("@daily", new Task("s"), { options });
      await scheduler.start();
      for (const path of ["/api/schedulers", "/api/definitions"]) {
        await expect.poll(async () => (await rig.send(path, { headers: ADA })).text).toContain("canary");
        const { text } = await rig.send(path, { headers: VERA });
        expect([path, text.includes("canary"), text.includes("seen")]).toEqual([path, false, true]);
      }
    },
    "in results, failures, schedulers, operations and streams": async () => {
      const engine = memoryEngine();
      const rig = await MonitorRig.start({ auth, engine });
      const server = new Server(engine, { logger: silentLogger });
      const settled = new Promise<void>((resolve) => {
        let left = 2;
        server.on("taskSettled", () => {
          left -= 1;
          if (left === 0) resolve();
        });
      });
      await rig.client.enqueue(new Task("good"), { taskId: "good", retention: "1h" });
      await rig.client.enqueue(new Task("bad", { secret: "canary" }), { taskId: "bad", maxRetry: 0 });
      await server.start((task) => {
        if (task.type === "bad") throw new Error("failed");
        return { token: "canary" };
      });
      await settled;
      await server.shutdown();
      const scheduler = new Scheduler(engine, { logger: silentLogger });
      await scheduler.put("entry", { spec: "@daily", task: new Task("s", { cookie: "canary" }) });
      await scheduler.shutdown();
      const body = { action: "archive", filter: "payload.secret:canary", dryRun: true };
      let { json: operation } = await rig.change("/api/operations", { headers: ADA, body });
      while (operation.status === "running") {
        operation = (await rig.send(`/api/operations/${operation.id}`, { headers: ADA })).json;
      }
      const shownToAll = new Set<string>();
      for (const path of [
        "/api/queues/default/tasks/good",
        "/api/queues/default/tasks/good/result",
        "/api/queues/default/tasks?state=completed",
        "/api/queues/default/tasks?state=archived",
        "/api/failures",
        "/api/schedulers",
        "/api/operations",
        `/api/operations/${operation.id}`,
        "/api/snapshot?topics=overview,servers,operations,queue:default",
      ]) {
        const seen = await rig.send(path, { headers: VERA });
        expect([path, seen.status, seen.text.includes("canary")]).toEqual([path, 200, false]);
        if ((await rig.send(path, { headers: ADA })).text.includes("canary")) shownToAll.add(path);
      }
      expect(shownToAll.size).toBeGreaterThan(6);
    },
    "and cannot be guessed by what is found, changed or counted": async () => {
      const rig = await withTask({ auth });
      for (const filter of [
        "payload.password:canary-secret",
        "-payload.password:x",
        "payload.0.api-key:x",
        "payload.user:{}",
        'payload.user:"{\\"password\\":\\"x\\"}"',
        "payload:x",
        "payload.to:x*",
      ]) {
        const path = `/api/tasks?filter=${encodeURIComponent(filter)}`;
        const seen = await rig.send(path, { headers: VERA });
        expect([filter, seen.status, seen.json.tasks]).toEqual([filter, 403, undefined]);
      }
    },
  },
  "S08 streams are for those who may read": {
    "closed within 5 s also while the engine is silent": async () => {
      const clock = new FakeClock();
      const runtime = { ...fakeRuntime({ seed: 1 }), clock };
      const engine = memoryEngine({ runtime });
      const { inspection } = engine;
      const queues = inspection.queues.bind(inspection);
      let silent = false;
      Object.assign(inspection, { queues: () => (silent ? new Promise(() => undefined) : queues()) });
      let known = users;
      const rig = await MonitorRig.start({ auth: () => ({ users: known }), runtime, engine });
      const response = await fetch(new URL("/api/live?topics=overview", rig.url), { headers: ADA });
      const reader = response.body!.getReader();
      await reader.read();
      silent = true;
      known = [];
      const drained = (async () => {
        while (!(await reader.read()).done);
        return "ended";
      })();
      for (let second = 0; second < 5; second += 1) await clock.advance(1_000);
      expect(await drained).toBe("ended");
    },
    "of which one visitor cannot take all": async () => {
      const runtime = systemRuntime;
      await using inspector = new Inspector(memoryEngine());
      const now = () => runtime.clock.now();
      const collector = new Collector({
        inspector,
        runtime,
        logger: silentLogger,
        kind: "memory",
        now,
        interval: 1_000,
      });
      const live = new Live({ collector, runtime, operations: () => [] });
      const topics = { overview: true, servers: false, operations: false, queues: [] };
      const open = async (user: string) => {
        const visitor = { user, role: "view" as const, queues: null };
        const stream = live.open({ topics, visitor, lastEventId: null, recheck: async () => visitor });
        await stream.getReader().read();
      };
      for (let tab = 0; tab < 500; tab += 1) await open("vera");
      await expect(open("vera")).rejects.toMatchObject({ status: 503 });
      await open("ada");
      live.close();
      collector.close();
    },
  },
};
