import { EventEmitter } from "node:events";
import type { TaskState } from "../../src/broker/inspection.ts";
import { Client } from "../../src/client/client.ts";
import { memoryEngine } from "../../src/engine/memory/memory-engine.ts";
import type { TaskMessage } from "../../src/protocol/task-message.ts";
import type { LogFields, Logger } from "../../src/runtime/logger.ts";
import type { TaskSettled } from "../../src/server/events.ts";
import type { Handler } from "../../src/server/handler.ts";
import type { ServeMux } from "../../src/server/serve-mux.ts";
import { Server } from "../../src/server/server.ts";
import type { ServerOptions } from "../../src/server/server-options.ts";
import type { ServerTimings } from "../../src/server/server-timings.ts";
import { Task } from "../../src/task.ts";
import type { TaskOptions } from "../../src/task-options.ts";
import { fakeRuntime, settle } from "../support/fake-runtime.ts";
import { FaultyEngine } from "./faulty-engine.ts";

export interface LogLine {
  readonly level: string;
  readonly fields: LogFields;
  readonly text: string;
}

/** Keeps what is logged. */
export function recordingLogger(): Logger & { readonly lines: LogLine[] } {
  const lines: LogLine[] = [];
  const at = (level: string) => (fields: LogFields, text: string) => {
    lines.push({ level, fields, text });
  };
  return { lines, debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

/** A server on a memory engine, with the clock, the connection and the signals in the test's hands. */
export function serverRig(options: ServerOptions = {}, timings: Partial<ServerTimings> = {}) {
  const runtime = fakeRuntime();
  const { clock } = runtime;
  const store = memoryEngine({ runtime });
  const engine = new FaultyEngine(store, clock);
  const client = new Client(engine, { runtime });
  const signals = new EventEmitter();
  const logger = recordingLogger();
  const build = (more: ServerOptions = {}) =>
    new Server(
      engine,
      { concurrency: 10, ...options, ...more, runtime, logger, logLevel: "debug" },
      { timings, signals },
    );
  const server = build();
  const settled: TaskSettled[] = [];
  server.on("taskSettled", (event) => settled.push(event));

  return {
    runtime,
    clock,
    engine,
    /** The same tasks over a connection that is never broken, as another process has. */
    elsewhere: store.broker,
    client,
    signals,
    server,
    /** Every settled attempt of `server`. */
    settled,
    lines: logger.lines,
    /** Another server on the same engine. */
    another: build,

    async start(handler: Handler | ServeMux): Promise<void> {
      await server.start(handler);
      await settle();
    },

    /** Enqueues a task of type `"t"` and answers its id. */
    async enqueue(taskOptions: TaskOptions = {}, payload?: unknown, type = "t"): Promise<string> {
      const { id } = await client.enqueue(new Task(type, payload), taskOptions);
      await settle();
      return id;
    },

    async state(id: string, queue = "default"): Promise<TaskState | "gone"> {
      return (await engine.inspection.taskInfo(queue, id))?.state ?? "gone";
    },

    async message(id: string, queue = "default"): Promise<TaskMessage> {
      const message = (await engine.inspection.taskInfo(queue, id))?.message;
      if (message === undefined) throw new Error(`no task ${id}`);
      return message;
    },
  };
}

/** A promise and its end, for handlers that wait. */
export function gate(): { readonly opened: Promise<void>; open(): void } {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}
