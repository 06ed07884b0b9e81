import { describe, expect, it } from "vitest";
import * as scripts from "../../src/engine/redis/scripts.gen.ts";
import { Task } from "../../src/task.ts";
import { redisForFile } from "../support/redis-rig.ts";
import { freePort } from "../support/server-process.ts";
import type { Work, WorkerOptions, WorkerProcess } from "../support/worker-rig.ts";
import { benchForFile, freshQueue } from "./bench.ts";
import { eventually } from "./eventually.ts";

/** I01 to I07: the end of a server, in every state of Redis. docs/reliability.md b. */

const redis = await redisForFile({ mode: "aof-always" });
const bench = benchForFile();

async function arena() {
  const queue = freshQueue();
  const rig = await bench.workers();
  const client = bench.client(redis.url);
  const inspector = bench.inspector(redis.url);
  return {
    rig,
    queue,
    worker: (options: Partial<WorkerOptions> = {}, until?: "running") =>
      rig.start({ url: redis.url, queue, ...options }, until),
    enqueue: async (work: Work, taskId: string) => {
      await client.enqueue(new Task("work", work), { queue, taskId });
    },
    pending: async () => (await inspector.listTasks(queue, "pending")).map(({ id }) => id),
    size: async () => (await inspector.getQueueInfo(queue)).size,
    starts: (id: string) => rig.history().filter((event) => event.type === "start" && event.id === id).length,
  };
}

/** The exit code, and the milliseconds from the signal to the end of the process. */
async function end(worker: WorkerProcess): Promise<{ code: number | NodeJS.Signals; took: number }> {
  const signaled = performance.now();
  const code = await worker.exited;
  return { code, took: performance.now() - signaled };
}

describe("SIGTERM", () => {
  it("ends an idle server within a second, and takes its record away (I01)", async () => {
    const { worker } = await arena();
    const admin = redis.client();
    const idle = await worker();
    await eventually("it has a record", async () => (await admin.zcard("asynq:servers")) === 1);
    idle.terminate();
    const { code, took } = await end(idle);
    expect(code).toBe(0);
    expect(took).toBeLessThan(1_000);
    expect(await admin.keys("asynq:servers*")).toEqual([]);
    expect(await admin.keys("asynq:workers*")).toEqual([]);
  });

  it("waits for handlers that finish in time, and takes no more tasks (I02)", async () => {
    const { worker, enqueue, starts, pending } = await arena();
    const ending = await worker({ concurrency: 2 });
    for (const id of ["a", "b", "c"]) await enqueue({ ms: 300 }, id);
    await ending.said("started", "b");
    ending.terminate();
    const { code } = await end(ending);
    expect(code).toBe(0);
    expect([ending.count("settled", "a", "done"), ending.count("settled", "b", "done")]).toEqual([1, 1]);
    expect([starts("a"), starts("b"), starts("c")]).toEqual([1, 1, 0]);
    expect(await pending()).toEqual(["c"]);
  });

  it.each(["heedful", "heedless"] as const)(
    "hands a task back to the head of its queue whose %s handler takes too long (I03)",
    async (is) => {
      const { worker, enqueue, pending, starts } = await arena();
      const ending = await worker({ shutdownTimeout: "500ms" });
      await enqueue({ is }, "first");
      await ending.said("started", "first", 1);
      await enqueue({}, "second");
      ending.terminate();
      const { code, took } = await end(ending);
      expect(code).toBe(0);
      expect(took).toBeGreaterThan(450);
      expect(took).toBeLessThan(5_500);
      expect(ending.count("aborted", "first", "SHUTTING_DOWN")).toBe(1);
      expect(ending.count("settled", "first", "requeue")).toBe(1);
      expect(await pending()).toEqual(["first", "second"]);

      const next = await worker();
      // Handing back is no failure: it is the first attempt still.
      await next.said("started", "first", 1);
      next.release();
      await next.said("settled", "second", "done");
      expect(starts("first")).toBe(2);
    },
  );

  it("hurries when it comes twice (I04)", async () => {
    const { worker, enqueue, pending } = await arena();
    const ending = await worker({ shutdownTimeout: "30s" });
    await enqueue({ is: "heedless" }, "first");
    await ending.said("started", "first", 1);
    ending.terminate();
    await ending.said("stopping");
    ending.terminate();
    const { code, took } = await end(ending);
    expect(code).toBe(3);
    expect(took).toBeLessThan(2_500);
    expect(await pending()).toEqual(["first"]);
  });

  it("puts back what was leased while it came, and does not start it (I06)", async () => {
    const { worker, enqueue, pending, starts } = await arena();
    const proxy = await bench.proxy(redis.port);
    const ending = await worker({ url: proxy.url });
    const slow = proxy.rule({ script: scripts.exchange.sha1 }, { do: "delay", ms: 500 });
    await enqueue({}, "late");
    await eventually("it is leased", async () => (await pending()).length === 0);
    ending.terminate();
    const { code } = await end(ending);
    expect(slow.fired).toBeGreaterThan(0);
    expect(code).toBe(0);
    expect(await pending()).toEqual(["late"]);
    expect(starts("late")).toBe(0);
  });
});

describe("SIGTERM, while Redis does not answer (I05)", () => {
  it.each(["is down", "is frozen"] as const)("ends in time when it %s, and nothing is lost", async (how) => {
    const { worker, enqueue, size } = await arena();
    const ending = await worker({ shutdownTimeout: "1s" });
    await enqueue({ is: "heedful" }, "left");
    await ending.said("started", "left", 1);
    if (how === "is down") {
      await redis.crash();
      bench.after(() => redis.running || redis.restart());
    } else redis.pause();
    await ending.said("engine", "unavailable");
    ending.terminate();
    const { code, took } = await end(ending);
    expect(code).toBe(3);
    expect(took).toBeLessThan(6_000);

    if (how === "is down") await redis.restart();
    else redis.resume();
    const next = await worker();
    await next.said("started", "left");
    next.release();
    await next.said("settled", "left", "done");
    expect(await size()).toBe(0);
  });

  it("ends in time when it was never there", async () => {
    const { worker } = await arena();
    const url = `redis://127.0.0.1:${await freePort()}`;
    const ending = await worker({ url, shutdownTimeout: "1s" }, "running");
    await ending.said("engine", "unavailable");
    ending.terminate();
    const { code, took } = await end(ending);
    expect(code).toBe(3);
    expect(took).toBeLessThan(6_000);
  });
});

describe("shutdown()", () => {
  it("may be called by a handler, and twice; its task is recorded first (I07)", async () => {
    const { worker, enqueue, size } = await arena();
    const ending = await worker();
    await enqueue({ is: "shuts-down" }, "last");
    const { code, took } = await end(ending);
    expect(code).toBe(0);
    expect(took).toBeLessThan(2_000);
    expect(ending.count("settled", "last", "done")).toBe(1);
    expect(await size()).toBe(0);
  });

  it("answers one promise to all callers, also before the start has ended (I07)", async () => {
    const queue = freshQueue();
    const { server } = bench.unstarted(redis.url, () => undefined, { queue });
    const starting = server.start(() => undefined).catch((error: unknown) => error);
    const [first, second] = [server.shutdown(), server.shutdown()];
    expect(first).toBe(second);
    await starting;
    expect(await first).toMatchObject({ finished: 0, requeued: 0, left: 0 });
    expect(server.health().status).toBe("stopped");
  });
});
