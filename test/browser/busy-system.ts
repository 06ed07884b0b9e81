import { afterEach } from "vitest";
import {
  Client,
  type Engine,
  Inspector,
  memoryEngine,
  Scheduler,
  ServeMux,
  Server,
  SkipRetry,
  Task,
} from "../../src/index.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { until } from "../support/server-process.ts";

const stops: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

/**
 * An engine with a task in every state, a server at work, failures, groups and periodic tasks. Its queues: `mail` and
 * `images`, which a server serves, and `low`, which none does. Ids of tasks are the names of their states.
 */
export async function busySystem(engine: Engine = memoryEngine()): Promise<{
  readonly engine: Engine;
  readonly client: Client;
  readonly inspector: Inspector;
}> {
  const logger = silentLogger;
  const client = new Client(engine);
  const inspector = new Inspector(engine);
  const server = new Server(engine, {
    queues: { mail: 6, images: 2 },
    concurrency: 4,
    retryDelay: () => 3_600_000,
    shutdownTimeout: "10ms",
    logger,
  });
  const scheduler = new Scheduler(engine, { logger });
  stops.push(
    () => client.close(),
    () => server.shutdown(),
    () => scheduler.shutdown(),
  );

  const mux = new ServeMux()
    .handle("email:welcome", () => ({ messageId: "<42@example.com>" }))
    .handle("email:digest", () => {
      throw new TypeError("mailbox of user 4711 is full");
    })
    .handle("email:broken", () => {
      throw new SkipRetry("no template named spring");
    })
    .handle(
      "image:resize",
      (_, ctx) =>
        new Promise<void>((_resolve, reject) => {
          if (ctx.signal.aborted) reject(ctx.signal.reason);
          ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason));
        }),
    );
  await server.start(mux);
  const to = { to: "ada@example.com", language: "en" };
  await client.enqueue(new Task("email:welcome", to), {
    queue: "mail",
    taskId: "completed",
    retention: "1h",
  });
  await client.enqueue(new Task("email:digest", to), { queue: "mail", taskId: "retry" });
  await client.enqueue(new Task("email:broken", to), { queue: "mail", taskId: "archived" });
  await client.enqueue(new Task("email:reminder", to), {
    queue: "mail",
    taskId: "scheduled",
    processIn: "2h",
  });
  await client.enqueue(new Task("image:resize", { image: "cat.png", sizes: [64, 512] }), {
    queue: "images",
    taskId: "active",
  });
  await client.enqueue(new Task("report:daily", { day: "monday" }), { queue: "low", taskId: "pending" });
  await client.enqueue(new Task("page:view", { page: "home" }), {
    queue: "low",
    taskId: "aggregating",
    group: "page:home",
  });
  await scheduler.register("0 6 * * *", new Task("report:daily"), {
    id: "report",
    options: { queue: "low" },
  });
  await scheduler.put("stock", {
    spec: "@every 1h",
    task: new Task("stock:sync"),
    options: { queue: "low" },
  });
  await scheduler.start();
  await until(async () => {
    const mail = await inspector.getQueueInfo("mail");
    const images = await inspector.getQueueInfo("images");
    const entries = await inspector.schedulerEntries();
    return (
      mail.completed === 1 &&
      mail.retry === 1 &&
      mail.archived === 1 &&
      images.active === 1 &&
      entries.length === 2
    );
  });
  return { engine, client, inspector };
}
