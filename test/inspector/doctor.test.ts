import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { Client } from "../../src/client/client.ts";
import { memoryEngine } from "../../src/engine/memory/memory-engine.ts";
import { NEEDED_COMMANDS } from "../../src/engine/redis/permissions.ts";
import { redisEngine } from "../../src/engine/redis/redis-engine.ts";
import type { DoctorReport } from "../../src/inspector/doctor.ts";
import { Inspector } from "../../src/inspector/inspector.ts";
import { encodeServerInfo } from "../../src/protocol/codec.ts";
import { ALL_SERVERS, queueKeys, serverKey } from "../../src/protocol/keys.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { ServeMux } from "../../src/server/serve-mux.ts";
import { Server } from "../../src/server/server.ts";
import { Task } from "../../src/task.ts";
import { directory } from "../engine/sqlite/sqlite-harness.ts";
import { redisForFile } from "../support/redis-rig.ts";

const rig = await redisForFile({ mode: "aof-everysec" });
const raw = rig.client();

afterEach(() => raw.flushall());

async function doctor(url = rig.url): Promise<DoctorReport> {
  const engine = redisEngine(url, { logger: silentLogger });
  await using inspector = new Inspector(engine);
  return await inspector.doctor();
}

function severities({ advice }: DoctorReport): Record<string, string> {
  return Object.fromEntries(advice.map(({ code, severity }) => [code, severity]));
}

async function set(name: string, value: string): Promise<AsyncDisposable> {
  const [, before] = (await raw.config("GET", name)) as [string, string];
  await raw.config("SET", name, value);
  return { [Symbol.asyncDispose]: async () => void (await raw.config("SET", name, before)) };
}

describe("on Redis", () => {
  it("has nothing to say against a healthy one, and can be told as JSON", async () => {
    const report = await doctor();
    expect(report).toMatchObject({ engine: "redis", severity: "ok" });
    expect(severities(report)).toEqual({
      VERSION: "ok",
      EVICTION: "ok",
      MEMORY: "ok",
      REPLICAS: "ok",
      PERSISTENCE: "ok",
      CLOCK: "ok",
      LATENCY: "ok",
      PERMISSIONS: "ok",
      SERVERS: "ok",
    });
    expect(report.facts).toMatchObject({ persistence: "aof-everysec", cluster: false, user: "default" });
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  });

  it("warns of what may lose tasks, the worst first", async () => {
    await using _policy = await set("maxmemory-policy", "allkeys-lru");
    await using _log = await set("appendonly", "no");
    const report = await doctor();
    expect(report.severity).toBe("problem");
    expect(severities(report)).toMatchObject({ EVICTION: "problem", PERSISTENCE: "problem" });
    expect(report.advice[0]?.severity).toBe("problem");
    expect(report.advice.find(({ code }) => code === "EVICTION")?.remedy).toContain("noeviction");
  });

  it("warns when memory runs short", async () => {
    await using _limit = await set("maxmemory", "1mb");
    expect(severities(await doctor())).toMatchObject({ MEMORY: "problem" });
  });

  it("names what a restricted user may not run, and what could not be seen", async () => {
    const may = "~asynq:* ~tq:* &asynq:cancel &__redis__:invalidate +@all";
    await raw.call("ACL", "SETUSER", "gap", "on", ">secret", ...may.split(" "), "-lpos", "-client|tracking");
    const url = `redis://gap:secret@127.0.0.1:${rig.port}`;
    const gap = await doctor(url);
    const advice = gap.advice.find(({ code }) => code === "PERMISSIONS");
    expect(advice?.finding).toBe("user gap may not run: LPOS, CLIENT");
    expect(advice?.remedy).toContain("+lpos");

    await raw.call(
      "ACL",
      "SETUSER",
      "gap",
      "-info",
      "-config",
      "-acl",
      "-time",
      "-smembers",
      "-zrangebyscore",
    );
    const blind = await doctor(url);
    expect(severities(blind)["UNSEEN"]).toBe("warning");
    expect(severities(blind)["PERSISTENCE"]).toBeUndefined();
    const unseen = blind.advice.filter(({ code }) => code === "UNSEEN").map(({ finding }) => finding);
    expect(unseen.join()).toMatch(/INFO.*CONFIG GET.*TIME.*ACL DRYRUN.*queues/);
    await raw.call("ACL", "DELUSER", "gap");
  });

  it("sees who serves what: Go servers, dead ones, queues that nobody serves, and pauses", async () => {
    await using client = new Client(rig.url);
    for (const queue of ["alone", "held", "go"]) await client.enqueue(new Task("x"), { queue });
    await raw.set(queueKeys("held").paused, "1");
    const info = {
      host: "h",
      pid: 1,
      serverId: "s",
      concurrency: 1,
      queues: new Map([
        ["go", 1],
        ["held", 1],
      ]),
      strictPriority: false,
      status: "active",
      startTime: { seconds: 1_700_000_000, nanos: 0 },
      activeWorkerCount: 0,
    };
    await raw.setex(serverKey(info), 60, encodeServerInfo(info) as Buffer);
    const now = Math.floor(Date.now() / 1_000);
    await raw.zadd(ALL_SERVERS, now + 60, serverKey(info), now - 60, `${ALL_SERVERS}:{h:2:dead}`);

    const { advice } = await doctor();
    const finding = (code: string) => advice.filter((each) => each.code === code).map((each) => each.finding);
    expect(finding("GO_PEERS")).toEqual(["1 Go servers share the queues: h:1 (go, held)"]);
    expect(finding("SERVERS_STALE")).toEqual(["1 servers went away without a word: {h:2:dead}"]);
    expect(finding("QUEUE_UNSERVED")).toEqual(["queue alone has 1 tasks to run, and no server serves it"]);
    expect(finding("QUEUE_PAUSED")).toEqual(["queue held is paused, with 1 tasks to run"]);
  });

  it("names servers that do not agree on the limits of a queue", async () => {
    await using engine = redisEngine(rig.url, { logger: silentLogger });
    await using client = new Client(rig.url);
    await client.enqueue(new Task("x"), { queue: "limited" });
    const limit = (concurrency: number) => [{ name: "x", keyed: false, concurrency }];
    await engine.limits.share("limited", "server-1", limit(1), 60_000);
    await engine.limits.share("limited", "server-2", limit(1), 60_000);
    expect(severities(await doctor())["LIMITS_DIFFER"]).toBeUndefined();

    await engine.limits.share("limited", "server-2", limit(2), 60_000);
    const { advice } = await doctor();
    const difference = advice.find(({ code }) => code === "LIMITS_DIFFER");
    expect(difference?.finding).toMatch(/limited: .*server-1.*server-2/);
  });

  it("sees tasks that failed since nobody had a handler for them", async () => {
    await using client = new Client(rig.url);
    await client.enqueue(new Task("nobody:knows"), { maxRetry: 3 });
    const server = new Server(rig.url, { logger: silentLogger });
    const settled = new Promise((resolve) => server.on("taskSettled", resolve));
    await server.start(new ServeMux().handle("other", async () => undefined));
    await settled;
    await server.shutdown();
    const { advice } = await doctor();
    const missing = advice.find(({ code }) => code === "HANDLER_MISSING");
    expect(missing?.finding).toContain("nobody:knows");
  });

  it("asks for the permissions of every command that our scripts use", () => {
    const root = join(import.meta.dirname, "../../src/engine/redis/lua");
    const used = new Set<string>();
    for (const name of readdirSync(root, { recursive: true, encoding: "utf8" })) {
      if (!name.endsWith(".lua")) continue;
      const text = readFileSync(join(root, name), "utf8");
      for (const [, command] of text.matchAll(/redis\.p?call\('([A-Z]+)'/g)) used.add(command as string);
    }
    const asked = new Set<string>(NEEDED_COMMANDS.map(([name]) => name));
    expect([...used].filter((command) => !asked.has(command))).toEqual([]);
  });
});

it("tells of the memory engine that it keeps nothing", async () => {
  await using inspector = new Inspector(memoryEngine());
  const report = await inspector.doctor();
  expect(report).toMatchObject({ engine: "memory", severity: "warning" });
  expect(severities(report)).toEqual({ NOT_DURABLE: "warning", SERVERS: "ok" });
});

it("looks at a SQLite file and its disk", async () => {
  await using inspector = new Inspector(`sqlite:${join(directory(), "tasks.db")}`);
  const report = await inspector.doctor();
  expect(report).toMatchObject({
    engine: "sqlite",
    facts: { journal: "wal", synchronous: "normal", integrity: "ok" },
  });
  expect(Object.keys(severities(report)).sort()).toEqual(
    ["DISK_SPACE", "FILE_SIZE", "INTEGRITY", "JOURNAL", "SERVERS", "SYNCHRONOUS", "VERSION"].sort(),
  );
});
