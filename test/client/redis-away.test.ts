import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { Client, Task, type TaskInfo } from "../../src/index.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { redisForFile } from "../support/redis-rig.ts";
import { freePort } from "../support/server-process.ts";

const redis = await redisForFile();

/** Far above any pause of this machine, far below what two limits after each other would take. */
const TIMEOUT = 1_500;
const LATEST = 2_900;

const open = (url: string) => new Client(url, { commandTimeout: TIMEOUT, logger: silentLogger });

describe("while Redis does not answer", () => {
  it("every call ends within its time, and a repeat with the same id finds out what became of it", async () => {
    await using client = open(redis.url);
    await client.enqueue(new Task("a"));
    const tasks = Array.from({ length: 1_500 }, (_, i) => ({
      task: new Task("a", i),
      options: { taskId: `frozen-${i}`, queue: "frozen" },
    }));

    redis.pause();
    const start = performance.now();
    const answers = await client.enqueueBatch(tasks);
    expect(performance.now() - start).toBeLessThan(LATEST);
    const errors = answers.map((answer) =>
      answer.ok ? answer.info.state : (answer.error as { code?: string }).code,
    );
    expect(errors.length).toBe(1_500);
    for (const code of errors) expect(["AMBIGUOUS_ENQUEUE", "ENGINE_UNAVAILABLE"]).toContain(code);
    expect(errors).toContain("AMBIGUOUS_ENQUEUE");

    redis.resume();
    const repeated = await client.enqueueBatch(tasks);
    for (const answer of repeated) {
      if (!answer.ok) expect((answer.error as { code?: string }).code).toBe("TASK_ID_CONFLICT");
    }
    const length = await redis.client().llen("asynq:{frozen}:pending");
    expect(length).toBe(1_500);
  });

  it("a call can be given up before its time", async () => {
    await using client = open(redis.url);
    await client.enqueue(new Task("a"));
    redis.pause();
    const start = performance.now();
    const call = client.enqueue(new Task("a"), {}, { signal: AbortSignal.timeout(50) });
    await expect(call).rejects.toMatchObject({ code: "AMBIGUOUS_ENQUEUE" });
    expect(performance.now() - start).toBeLessThan(TIMEOUT);
    redis.resume();
  });
});

describe("while there is no Redis", () => {
  it("a call says within its time that surely nothing was stored", async () => {
    await using client = open(`redis://127.0.0.1:${await freePort()}`);
    const start = performance.now();
    await expect(client.enqueue(new Task("a"))).rejects.toMatchObject({ code: "ENGINE_UNAVAILABLE" });
    expect(performance.now() - start).toBeLessThan(LATEST);
  });
});

describe("a script that enqueues", () => {
  it("ends by itself, without closing its client", async () => {
    const program = `
      import { Client, Task } from ${JSON.stringify(new URL("../../src/index.ts", import.meta.url).href)};
      const client = new Client(process.env.TITANQUEUE_URL);
      const { id } = await client.enqueue(new Task("a"), { queue: "script" });
      process.stdout.write(id);
    `;
    const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "--eval", program], {
      env: { ...process.env, TITANQUEUE_URL: redis.url },
      stdio: ["ignore", "pipe", "inherit"],
      timeout: 30_000,
    });
    let id = "";
    child.stdout.on("data", (chunk: Buffer) => {
      id += chunk.toString();
    });
    const [code] = await once(child, "exit");
    expect(code).toBe(0);
    expect(await redis.client().lrange("asynq:{script}:pending", 0, -1)).toEqual([id]);
  }, 40_000);
});

describe("what the client writes", () => {
  it("is in Redis as asynq has it", async () => {
    await using client = open(redis.url);
    const info: TaskInfo = await client.enqueue(new Task("email:send", { a: 123, b: "hello", c: true }), {
      queue: "mail",
      unique: "1h",
      taskId: "one",
    });
    expect(info).toMatchObject({ id: "one", state: "pending" });
    const raw = redis.client();
    expect(await raw.smembers("asynq:queues")).toContain("mail");
    expect(await raw.hget("asynq:{mail}:t:one", "state")).toBe("pending");
    const lock = "asynq:{mail}:unique:email:send:982042a884f9da3399da89ebbd90bc07";
    expect(await raw.get(lock)).toBe("one");
    expect(await raw.ttl(lock)).toBeGreaterThan(3_590);
  });
});
