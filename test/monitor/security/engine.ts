import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { expect } from "vitest";
import { NEEDED_COMMANDS } from "../../../src/engine/redis/permissions.ts";
import { Client, createEngine, Inspector, memoryEngine, ServeMux, Server, Task } from "../../../src/index.ts";
import { decodeTaskMessage, encodeTaskMessage } from "../../../src/protocol/task-message-codec.ts";
import { silentLogger } from "../../../src/runtime/logger.ts";
import { RedisRig } from "../../support/redis-rig.ts";
import { basic, MonitorRig } from "../monitor-rig.ts";
import { ADA, auth, type Requirements, ROUTES, status, VERA } from "./people.ts";

/** Facts of an engine by their names, and everything that is told of it, for one visitor. */
async function engineOf(rig: MonitorRig, headers: Record<string, string> = {}) {
  const { json, text } = await rig.send("/api/engine", { headers });
  return { names: json.facts.map(({ name }: { name: string }) => name) as string[], text };
}

/** xorshift: the same bytes in every run. */
function* numbers(seed: number): Generator<number> {
  for (let x = seed; ; ) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    yield x >>> 0;
  }
}

export const ENGINE: Requirements = {
  "S20 messages that nobody should have sent do no harm": {
    "forms that no encoder makes are refused": async () => {
      const bytes = (...values: number[]) => Uint8Array.from(values);
      for (const [what, message] of Object.entries({
        "a group that does not end": bytes(0x0b),
        "groups in groups, beyond what Go takes": bytes(...new Array<number>(100_000).fill(0x0b)),
        "the end of a group": bytes(0x0c),
        "field 0": bytes(0x02, 0x00),
        "a varint of 11 bytes": bytes(0x28, ...new Array<number>(10).fill(0xff), 0x01),
        "a length beyond the end": bytes(0x0a, 0x7f, 0x61),
        "a length of 2^63": bytes(0x0a, ...new Array<number>(8).fill(0xff), 0x7f),
        "wire type 7": bytes(0x0f, 0x00),
        "half a tag": bytes(0x80),
      })) {
        expect(() => decodeTaskMessage(message), what).toThrow();
      }
    },
    "whatever the bytes, it answers soon, or refuses": async () => {
      const random = numbers(42);
      const next = () => random.next().value as number;
      const seed = encodeTaskMessage(
        decodeTaskMessage(Uint8Array.from([0x0a, 0x01, 0x61, 0x12, 0x01, 0x62])),
      );
      let refused = 0;
      let slowest = 0;
      for (let round = 0; round < 100_000; round += 1) {
        const size = next() % 64;
        const message =
          round % 2 === 0 ? Uint8Array.from({ length: size }, () => next() & 0xff) : Uint8Array.from(seed);
        if (round % 2 === 1) message[next() % message.length] = next() & 0xff;
        const began = process.cpuUsage();
        try {
          decodeTaskMessage(message);
        } catch (error) {
          if (error instanceof RangeError) throw error;
          refused += 1;
        }
        const { user } = process.cpuUsage(began);
        slowest = Math.max(slowest, user);
      }
      expect(refused).toBeGreaterThan(10_000);
      // A collection of garbage may fall into one of them.
      expect(slowest / 1_000).toBeLessThan(50);
    },
    "one that cannot be read is shown as damaged, and what is beside it as it is": async () => {
      const redis = await RedisRig.start();
      try {
        const engine = createEngine(redis.url, { logger: silentLogger });
        const rig = await MonitorRig.start({ engine });
        await rig.client.enqueue(new Task("good"), { taskId: "good" });
        await rig.client.enqueue(new Task("bad"), { taskId: "bad" });
        const raw = new Redis(redis.url);
        await raw.hset("asynq:{default}:t:bad", "msg", Buffer.from([0x0b, 0x0c]));
        raw.disconnect();
        const { json } = await rig.send("/api/queues/default/tasks?state=pending");
        const seen = json.tasks.map(({ id, damaged }: { id: string; damaged: boolean }) => [id, damaged]);
        expect(seen.sort()).toEqual([
          ["bad", true],
          ["good", false],
        ]);
        expect(await status(rig.send("/api/queues/default/tasks/bad"))).toBe(200);
        await rig.stop();
      } finally {
        await redis.stop();
      }
    },
  },
  "S26 Redis is asked for what is written down, and for nothing else": {
    "a user with those permissions runs all of it; one less is named": async () => {
      const redis = await RedisRig.start();
      const raw = new Redis(redis.url);
      try {
        const commands = [...new Set(NEEDED_COMMANDS.map(([name]) => `+${name.toLowerCase()}`))];
        const may = [
          ...["resetchannels", "-@all", "~asynq:*", "~tq:*", "&asynq:cancel", "&__redis__:invalidate"],
          ...commands,
          ...["+client", "+subscribe", "+unsubscribe", "+publish", "+script", "+info", "+hello", "+auth"],
          ...["+config|get", "+acl|whoami", "+acl|dryrun", "+select", "+multi", "+exec", "+memory"],
        ];
        await raw.call("ACL", "SETUSER", "narrow", "on", ">canary-password", ...may);
        const url = redis.url.replace("redis://", "redis://narrow:canary-password@");
        const engine = createEngine(url, { logger: silentLogger });
        const rig = await MonitorRig.start({ engine });
        const server = new Server(engine, { logger: silentLogger, queues: { low: 1 } });
        const settled = new Promise((resolve) => server.on("taskSettled", resolve));
        await server.start(new ServeMux().handle("a", () => "done"));
        await rig.client.enqueue(new Task("a"), { queue: "low", taskId: "one", retention: "1h" });
        await settled;
        await server.shutdown();
        for (const { route, method, path } of ROUTES) {
          if (method !== "GET" || path === "/api/live" || /schedulers\/one|operations\/one/.test(path))
            continue;
          const query = /snapshot/.test(path)
            ? "?topics=overview,servers"
            : path.endsWith("low/tasks")
              ? "?state=completed"
              : path === "/api/spec"
                ? "?spec=%40daily"
                : "";
          const code = await status(rig.send(path + query));
          expect([route, code < 500 || code === 501]).toEqual([route, true]);
          if (code !== 200) expect([route, code]).toEqual([route, 404]);
        }
        const { text } = await rig.send("/api/engine");
        expect(text).toContain("narrow may do all that is needed");
        expect(text).not.toContain("canary-password");
        await raw.call("ACL", "SETUSER", "narrow", "-lpos");
        await using inspector = new Inspector(engine);
        expect(JSON.stringify((await inspector.doctor()).advice)).toMatch(/LPOS/);
        await rig.stop();
      } finally {
        raw.disconnect();
        await redis.stop();
      }
    },
  },
  "S27 of the engine's machine nothing is told": {
    "Redis: facts of a list, and no INFO": async () => {
      const redis = await RedisRig.start({ password: "canary-password" });
      try {
        const rig = await MonitorRig.start({
          auth,
          engine: createEngine(redis.url, { logger: silentLogger }),
        });
        const { names, text } = await engineOf(rig, VERA);
        expect(names.sort()).toEqual([
          "clockOffset",
          "cluster",
          "evictionPolicy",
          "latency",
          "maxMemory",
          "minReplicasToWrite",
          "persistence",
          "product",
          "replicas",
          "role",
          "usedMemory",
          "version",
        ]);
        expect(text).not.toMatch(
          /canary-password|executable|config_file|redis_build|run_id|tcp_port|aof_|\/tmp|\/home|\/usr/,
        );
        // Whoever may see some queues only is told nothing at all.
        expect(await status(rig.send("/api/engine", { headers: basic("mia", "right") }))).toBe(403);
        await rig.stop();
      } finally {
        await redis.stop();
      }
    },
    "SQLite: not where the file lies": async () => {
      const directory = mkdtempSync(join(tmpdir(), "canary-"));
      try {
        const engine = createEngine(`sqlite:${join(directory, "tasks.db")}`, { logger: silentLogger });
        const rig = await MonitorRig.start({ auth, engine });
        const client = new Client(engine);
        await client.enqueue(new Task("a"), { queue: "low" });
        const { names, text } = await engineOf(rig, ADA);
        expect(names).toContain("freeDisk");
        expect(text).not.toMatch(/canary-|\/tmp|tasks\.db/);
        await client.close();
        await rig.stop();
      } finally {
        rmSync(directory, { recursive: true });
      }
    },
    "and the doctor is asked once, however many ask": async () => {
      const engine = memoryEngine();
      const rig = await MonitorRig.start({ engine });
      const diagnose = engine.repair.diagnose.bind(engine.repair);
      let asked = 0;
      Object.assign(engine.repair, {
        diagnose: () => {
          asked += 1;
          return diagnose();
        },
      });
      await Promise.all(Array.from({ length: 20 }, () => rig.send("/api/engine")));
      await rig.send("/api/engine");
      expect(asked).toBe(1);
    },
  },
  "S16 no pattern takes long": {
    "of 10 KB, over many tasks": async () => {
      const rig = await MonitorRig.start();
      const payload = new TextEncoder().encode(`${"a".repeat(1_000)}b`);
      const tasks = Array.from({ length: 10_000 }, () => new Task("a".repeat(200), payload));
      await rig.client.enqueueBatch(tasks);
      for (const filter of [
        `payload:${"*a".repeat(1_900)}c`,
        "payload:~(a+)+$",
        `type:${"*a*".repeat(1_200)}c`,
        `error:~${"a".repeat(4_000)}`,
      ]) {
        const began = process.cpuUsage();
        const found = await rig.send(`/api/tasks?filter=${encodeURIComponent(filter)}`);
        const { user } = process.cpuUsage(began);
        expect([filter.slice(0, 20), found.status, found.json.tasks.length]).toEqual([
          filter.slice(0, 20),
          200,
          0,
        ]);
        expect([filter.slice(0, 20), user / 1_000 < 2_000]).toEqual([filter.slice(0, 20), true]);
      }
      const long = await rig.send(`/api/tasks?filter=${encodeURIComponent(`type:${"*a".repeat(3_500)}`)}`);
      expect([long.status, long.json.error.code]).toEqual([400, "FILTER_INVALID"]);
    },
  },
};
