/**
 * The process in which `titanqueue dev` runs the worker file, and which it replaces when the file changes. It ends when
 * it is told to, or when it is left alone.
 */
import { QueueNotServedError, Server } from "titanqueue";
import { parseLongDuration } from "../duration.ts";
import { systemClock } from "../runtime/clock.ts";
import type { DevNews, DevOrder } from "./dev-messages.ts";
import { endWith, Failure } from "./ending.ts";
import { onLoad } from "./loads.ts";
import { PrettyLog } from "./pretty-log.ts";
import { serve } from "./serve.ts";
import { TaskLog } from "./task-log.ts";
import { loadWorkerFile } from "./worker-file.ts";

/** What a shutdown takes at most, in milliseconds, when its timeout is over. */
const AFTER_TIMEOUT = 5_000;

const [, , path = "", shown = ""] = process.argv;
const log = new PrettyLog((text) => process.stdout.write(text), systemClock);
let server: Server | undefined;
let told: Promise<void> = Promise.resolve();

process.on("message", (order: DevOrder) => obey(order));
process.on("disconnect", () => obey("shutdown"));

// Who reads what we say may be gone before us.
process.stdout.on("error", () => undefined);
process.stderr.on("error", () => undefined);

const flushLoads = onLoad((file) => tell({ kind: "loaded", file }));
try {
  const worker = await loadWorkerFile(path, shown);
  flushLoads();
  const tasks = new TaskLog(log, systemClock);
  server = new Server(undefined, tasks.listening(worker.server));
  tasks.follow(server);
  const timeout = parseLongDuration("shutdownTimeout", worker.server.shutdownTimeout ?? "8s");
  tell({ kind: "serving", shutdownLimit: timeout + AFTER_TIMEOUT });
  process.exit(await serve(server, undefined, worker));
} catch (error) {
  flushLoads();
  if (error instanceof Failure && !(error.cause instanceof QueueNotServedError)) tell({ kind: "hopeless" });
  await told;
  endWith(error);
}

function obey(order: DevOrder): void {
  // Nothing has been begun.
  if (server === undefined) process.exit(0);
  const { running } = server.health();
  if (order === "shutdown" && running > 0) {
    log.tell("dev", `waiting for ${running} ${running === 1 ? "task" : "tasks"} to end`);
  }
  void server.shutdown(order === "hurry" ? { signal: AbortSignal.abort() } : {});
}

function tell(news: DevNews): void {
  if (!process.connected) return;
  told = new Promise((resolve) => {
    process.send?.(news, undefined, undefined, () => resolve());
  });
}
