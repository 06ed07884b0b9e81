import { expect, it } from "vitest";
import { Inspector, memoryEngine, Scheduler, Server, Task } from "../../src/index.ts";
import type { MonitorOptions, SchedulerDefinition, SchedulerEntry } from "../../src/monitor/index.ts";
import { NEVER, timestampOf } from "../../src/protocol/timestamp.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { fakeRuntime } from "../support/fake-runtime.ts";
import { MonitorRig } from "./monitor-rig.ts";

const NOW = Date.UTC(2026, 9, 23, 12, 10);
const DAY = 86_400_000;
const HOUR = 3_600_000;

async function rigAt(now: number, options: Omit<MonitorOptions, "engine"> = {}) {
  const runtime = fakeRuntime({ now });
  const engine = memoryEngine({ runtime });
  const rig = await MonitorRig.start({ engine, runtime, ...options });
  return { rig, engine, runtime };
}

const DEFINITION: SchedulerDefinition = {
  spec: "0 6 * * *",
  timezone: "Europe/Rome",
  type: "report:daily",
  payload: { kind: "json", text: '{"tenant":"acme"}' },
  options: {
    queue: "low",
    timeout: "90m",
    unique: "1h",
    uniqueKey: "acme",
    replaceFinished: true,
    taskId: "report",
    headers: [{ name: "h", value: "v" }],
  },
  missed: { backfill: 3 },
};

async function entries(rig: MonitorRig): Promise<SchedulerEntry[]> {
  return (await rig.send("/api/schedulers")).json.entries;
}

it("stores, replaces and removes a periodic task", async () => {
  const { rig } = await rigAt(NOW);
  const made = await rig.change("/api/schedulers", { body: { id: "daily", ...DEFINITION } });
  const wanted = {
    id: "daily",
    spec: "CRON_TZ=Europe/Rome 0 6 * * *",
    type: "report:daily",
    queue: "low",
    stored: true,
    schedulers: 0,
    next: null,
    words: "at 06:00 in Europe/Rome",
  };
  expect([made.status, made.json]).toMatchObject([200, wanted]);
  // Over the end of summer time.
  expect(made.json.nextRuns.slice(0, 3)).toEqual([
    Date.UTC(2026, 9, 24, 4),
    Date.UTC(2026, 9, 25, 5),
    Date.UTC(2026, 9, 26, 5),
  ]);
  expect(made.json.nextRuns).toHaveLength(10);

  const { timezone: _, ...kept } = { ...DEFINITION, spec: "CRON_TZ=Europe/Rome 0 6 * * *" };
  expect(made.json.definition).toEqual(kept);
  const again = await rig.change("/api/schedulers/daily", { body: made.json.definition });
  expect(again.json).toEqual(made.json);

  const edited = await rig.change("/api/schedulers/daily", {
    body: { ...made.json.definition, spec: "@every 1h", payload: { kind: "hex", text: "ff00" } },
  });
  expect(edited.json).toMatchObject({ spec: "@every 1h", words: "every hour", payload: { kind: "hex" } });
  expect(await entries(rig)).toEqual([edited.json]);

  expect((await rig.change("/api/schedulers/daily", { method: "DELETE", body: {} })).status).toBe(204);
  expect(await entries(rig)).toEqual([]);
  const { lines } = (await rig.send("/api/audit")).json;
  expect(lines.map(({ what, on }: { what: string; on: string }) => `${what} ${on}`)).toEqual([
    "DELETE /api/schedulers/{id} daily",
    "POST /api/schedulers/{id} daily",
    "POST /api/schedulers/{id} daily",
    "POST /api/schedulers daily",
  ]);
});

it("is seen to by schedulers as it was stored", async () => {
  const { rig, engine, runtime } = await rigAt(NOW);
  await rig.change("/api/schedulers", { body: { ...DEFINITION, spec: "*/5 * * * *" } });
  await using scheduler = new Scheduler(engine, { runtime, logger: silentLogger });
  await scheduler.start();
  await runtime.clock.advance(6 * 60_000);
  await using inspector = new Inspector(engine);
  expect(await inspector.getTaskInfo({ queue: "low", id: "report" })).toMatchObject({
    type: "report:daily",
    payload: { tenant: "acme" },
    timeout: 5_400_000,
    headers: { h: "v" },
  });
});

it("refuses what cannot be stored, and says where", async () => {
  const { rig, engine, runtime } = await rigAt(NOW);
  const post = (body: object, path = "") => rig.change(`/api/schedulers${path}`, { body });
  const bad = await post({ ...DEFINITION, spec: "0 25 * * *" });
  expect([bad.status, bad.json.error]).toMatchObject([400, { code: "CRON_SPEC_INVALID", position: 2 }]);
  const zone = await post({ ...DEFINITION, timezone: "Europe/Atlantis" });
  expect([zone.status, zone.json.error.code]).toEqual([400, "CRON_SPEC_INVALID"]);
  const at = await post({ ...DEFINITION, options: { processAt: NOW } });
  expect(at.json.error).toMatchObject({ code: "INVALID_OPTION", where: "processAt" });
  const missed = await post({ ...DEFINITION, missed: "always" });
  expect(missed.json.error).toMatchObject({ code: "BAD_REQUEST", where: "missed" });
  const json = await post({ ...DEFINITION, payload: { kind: "json", text: "{" } });
  expect(json.json.error).toMatchObject({ where: "payload.text" });
  expect(await entries(rig)).toEqual([]);

  expect((await post({ id: "one", ...DEFINITION })).status).toBe(200);
  const twice = await post({ id: "one", ...DEFINITION });
  expect([twice.status, twice.json.error.code]).toEqual([409, "SCHEDULER_ENTRY_EXISTS"]);
  expect((await post(DEFINITION, "/none")).status).toBe(404);

  await using scheduler = new Scheduler(engine, { runtime, logger: silentLogger });
  await scheduler.register("@daily", new Task("t"), { id: "of-a-program" });
  await scheduler.start();
  await expect.poll(async () => (await entries(rig)).length).toBe(2);
  const foreign = await post(DEFINITION, "/of-a-program");
  expect([foreign.status, foreign.json.error.code]).toEqual([409, "NOT_STORED"]);
  const removal = await rig.change("/api/schedulers/of-a-program", { method: "DELETE", body: {} });
  expect([removal.status, removal.json.error.code]).toEqual([409, "NOT_STORED"]);
  const run = await rig.change("/api/schedulers/of-a-program/run", { body: {} });
  expect([run.status, run.json.error.code]).toEqual([409, "NOT_STORED"]);
});

it("keeps visitors to their queues and roles", async () => {
  const visitors = {
    vera: { user: "vera", role: "view" as const },
    olaf: { user: "olaf", role: "operate" as const, queues: ["mail"] },
    ada: { user: "ada", role: "admin" as const },
  };
  type Name = keyof typeof visitors;
  const { rig } = await rigAt(NOW, {
    authorize: (request) => visitors[request.headers.get("x-who") as Name],
  });
  const as = async (who: Name, path: string, body?: object, method = "POST") => {
    const headers = { "x-who": who };
    if (body === undefined) return rig.send(`/api/schedulers${path}`, { headers });
    const { csrf } = (await rig.send("/api/session", { headers })).json;
    const own = { ...headers, "content-type": "application/json", origin: rig.url.origin, "x-tq-csrf": csrf };
    return rig.send(`/api/schedulers${path}`, { method, headers: own, body });
  };
  const secret = { ...DEFINITION, payload: { kind: "json", text: '{"token":"canary"}' } };
  const mail = { ...DEFINITION, options: { queue: "mail" } };
  expect((await as("ada", "", { id: "low", ...secret })).status).toBe(200);
  expect((await as("vera", "", { id: "v", ...mail })).status).toBe(403);
  expect((await as("vera", "/low", mail)).status).toBe(403);
  expect((await as("vera", "/low", {}, "DELETE")).status).toBe(403);
  const seen = await as("vera", "");
  expect(seen.json.entries[0]).toMatchObject({ id: "low", definition: null });
  expect(seen.text).not.toContain("canary");

  expect((await as("olaf", "", { id: "mine", ...mail })).status).toBe(200);
  expect((await as("olaf", "", { id: "theirs", ...DEFINITION })).status).toBe(404);
  expect((await as("olaf", "/low", mail)).status).toBe(404);
  expect((await as("olaf", "/mine", DEFINITION)).status).toBe(404);
  expect((await as("olaf", "/low", {}, "DELETE")).status).toBe(404);
  expect((await as("olaf", "")).json.entries).toMatchObject([{ id: "mine", queue: "mail" }]);
  expect((await as("ada", "")).json.entries).toHaveLength(2);
});

it("tells of Go's entries what they say themselves, and no more", async () => {
  const { rig, engine } = await rigAt(NOW);
  const entry = (id: string, spec: string, next: number | undefined) => ({
    id,
    spec,
    taskType: "go",
    taskPayload: new Uint8Array(0),
    enqueueOptions: [],
    nextEnqueueTime: next === undefined ? NEVER : timestampOf(next),
    prevEnqueueTime: NEVER,
  });
  const sixInTokyo = Date.UTC(2026, 9, 23, 21);
  await engine.schedules.writeEntries(
    "go:1:x",
    [
      entry("a", "0 6 * * *", Date.UTC(2026, 9, 24, 6)),
      entry("b", "0 6 * * *", sixInTokyo),
      entry("c", "@every 1h", NOW + 1_234_000),
      entry("d", "@every 1h", NOW - 1_000),
      entry("e", "0 0 30 2 *", undefined),
      entry("f", "@reboot", NOW + 1_000),
    ],
    600_000,
  );
  const shown = (await entries(rig)).map(({ id, words, nextRuns, queue }) => [
    id,
    words,
    nextRuns.length,
    nextRuns[0],
    nextRuns[1],
    queue,
  ]);
  expect(shown).toEqual([
    ["a", "at 06:00 UTC", 10, Date.UTC(2026, 9, 24, 6), Date.UTC(2026, 9, 25, 6), "default"],
    ["b", null, 1, sixInTokyo, undefined, "default"],
    ["c", "every hour", 10, NOW + 1_234_000, NOW + 1_234_000 + HOUR, "default"],
    ["d", "every hour", 10, NOW - 1_000 + HOUR, NOW - 1_000 + 2 * HOUR, "default"],
    ["e", "at 00:00 UTC on 30 February", 0, undefined, undefined, "default"],
    ["f", null, 1, NOW + 1_000, undefined, "default"],
  ]);
});

it("says what became of each task that an entry has enqueued", async () => {
  const engine = memoryEngine();
  const rig = await MonitorRig.start({ engine });
  await using scheduler = new Scheduler(engine, { logger: silentLogger });
  await using inspector = new Inspector(engine);
  const task = new Task("report", { n: 1 }, { retention: "1h", maxRetry: 1 });
  await scheduler.put("e", { spec: "@yearly", task, options: { queue: "low" } });
  const outcomes = async () => {
    const { events } = (await rig.send("/api/schedulers/e/events")).json;
    return events.map(({ outcome }: { outcome: string }) => outcome);
  };
  const settled = async (handler: () => void) => {
    await scheduler.runNow("e");
    const server = new Server(engine, { queues: { low: 1 }, logger: silentLogger });
    const ended = new Promise<void>((resolve) => void server.on("taskSettled", () => resolve()));
    await server.start(async () => handler());
    await ended;
    await server.shutdown();
  };
  await settled(() => undefined);
  await settled(() => {
    throw new Error("no");
  });
  const archived = await scheduler.runNow("e");
  await inspector.archiveTask(archived);
  const deleted = await scheduler.runNow("e");
  await inspector.deleteTask(deleted);
  await scheduler.runNow("e");
  expect(await outcomes()).toEqual(["waiting", "gone", "archived", "failed", "processed"]);

  for (let more = 0; more < 20; more += 1) await scheduler.runNow("e");
  expect(await outcomes()).toEqual(new Array(20).fill("waiting"));
  expect((await rig.send("/api/schedulers/e/events?page_size=101")).status).toBe(400);
});

it("says what a spec means before it is used", async () => {
  const { rig } = await rigAt(NOW);
  const ask = (spec: string, more = "") => rig.send(`/api/spec?spec=${encodeURIComponent(spec)}${more}`);
  const { json } = await ask("0 6 * * *", "&timezone=Europe/Rome");
  expect(json).toMatchObject({
    now: NOW,
    spec: "CRON_TZ=Europe/Rome 0 6 * * *",
    words: "at 06:00 in Europe/Rome",
  });
  expect(json.nextRuns[0] % DAY).toBe(4 * HOUR);
  const wrong = await ask("@dayly");
  expect([wrong.status, wrong.json.error]).toMatchObject([
    400,
    { code: "CRON_SPEC_INVALID", position: 0, hint: expect.stringContaining("@daily") },
  ]);
});
