import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { afterAll } from "vitest";
import { counted } from "./counts.ts";
import { goProgram } from "./go-modules.ts";
import { placeOf } from "./peer.ts";

/** What asynqmon answered: JSON, plain text of an error, or nothing. */
export interface MonitorAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** Asynqmon's own HTTP handler, in a process beside us. */
export class Asynqmon {
  readonly versions: Readonly<Record<string, string>>;
  readonly #url: string;
  /** The routes that were asked for, each with its parameters as the router names them. */
  readonly asked = new Set<string>();

  private constructor(port: number, versions: Readonly<Record<string, string>>) {
    this.#url = `http://127.0.0.1:${port}`;
    this.versions = versions;
  }

  /** For the calling test file. */
  static async forFile(redisUrl: string, ...flags: string[]): Promise<Asynqmon> {
    const child = spawn(goProgram("asynqmon"), [...placeOf(redisUrl), ...flags], {
      stdio: ["pipe", "pipe", "pipe"],
    });
    let complaints = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      complaints += text;
    });
    const ended = once(child, "close");
    afterAll(async () => {
      child.stdin.end();
      await ended;
    });
    const line = await Promise.race([
      once(createInterface({ input: child.stdout }), "line"),
      ended.then(() => Promise.reject(new Error(`asynqmon ended:\n${complaints}`))),
    ]);
    const { port, versions } = JSON.parse(String(line[0]));
    return new Asynqmon(port, versions);
  }

  async get<R>(path: string): Promise<R> {
    const { status, body } = await this.ask("GET", path);
    if (status !== 200) throw new Error(`asynqmon answered ${status} to ${path}: ${String(body)}`);
    return body as R;
  }

  /** What its exporter tells a Prometheus. */
  async metrics(): Promise<string> {
    const response = await fetch(`${this.#url}/metrics`);
    counted("tool-commands");
    const text = await response.text();
    if (response.status !== 200) throw new Error(`asynqmon's exporter answered ${response.status}: ${text}`);
    return text;
  }

  async ask(method: "GET" | "POST" | "DELETE", path: string, body?: object): Promise<MonitorAnswer> {
    const response = await fetch(`${this.#url}/api${path}`, {
      method,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    counted("tool-commands");
    this.asked.add(`${method} ${routeOf(path)}`);
    return { status: response.status, body: text.startsWith("{") ? JSON.parse(text) : text };
  }
}

/** With names where a path has values. */
function routeOf(path: string): string {
  return path
    .replace(/\?.*/, "")
    .replace(/^\/queues\/[^/:]+/, "/queues/{q}")
    .replace(/groups\/[^/:]+/, "groups/{g}")
    .replace(/tasks\/[^/:]+/, "tasks/{id}")
    .replace(/scheduler_entries\/[^/:]+/, "scheduler_entries/{id}");
}
