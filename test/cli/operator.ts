import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { Client } from "../../src/client/client.ts";
import { createEngine } from "../../src/create-engine.ts";
import { Inspector } from "../../src/inspector/inspector.ts";
import type { Installation } from "./installation.ts";

/** What a command has left: its exit code and both of its streams. */
export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** What it reads from standard input. @defaultValue nothing at all */
  readonly input?: string;
}

/** An operator at a store: runs the built command on it, and looks at the same store from beside. */
export class Operator {
  readonly directory: string;
  readonly url: string;
  readonly bin: string;
  readonly client: Client;
  readonly inspector: Inspector;

  /** @param url - without one, a file of the test's own */
  constructor(installation: Installation, url?: string) {
    this.directory = installation.project({}, { typescript: false });
    this.bin = installation.bin;
    this.url = url ?? `sqlite:${join(this.directory, "tasks.db")}`;
    const engine = createEngine(this.url);
    this.client = new Client(engine);
    this.inspector = new Inspector(engine);
    onTestFinished(async () => {
      await this.client.close();
      await this.inspector.close();
    });
  }

  /** Runs a command line to its end, without a terminal. */
  async run(words: readonly string[], options: RunOptions = {}): Promise<Ended> {
    const { env = {}, input } = options;
    const child = spawn(process.execPath, [this.bin, ...words], {
      cwd: this.directory,
      env: { ...bareEnvironment(), TITANQUEUE_URL: this.url, ...env },
      stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    child.stdin?.end(input);
    let out = "";
    let err = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      out += text;
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      err += text;
    });
    const [code] = await once(child, "close");
    return { code, out, err };
  }

  /** What a line of words prints for people, if it succeeds. */
  async text(...words: string[]): Promise<string> {
    const ended = await this.run(words);
    if (ended.code !== 0) throw new Error(`${words.join(" ")}: ${ended.code}\n${ended.err}`);
    return ended.out;
  }

  /** The one JSON document that it prints, if it succeeds; it says nothing else. */
  async json(...words: string[]): Promise<unknown> {
    const ended = await this.run([...words, "--json"]);
    if (ended.code !== 0 || ended.err !== "")
      throw new Error(`${words.join(" ")}: ${ended.code}\n${ended.err}`);
    return JSON.parse(ended.out);
  }

  /** The error that it tells programs of, and its exit code. */
  async refusal(...words: string[]): Promise<{ readonly code: number | null; readonly error: unknown }> {
    const { code, out, err } = await this.run([...words, "--json"]);
    if (out !== "") throw new Error(`it answered all the same: ${out}`);
    return { code, error: JSON.parse(err).error };
  }
}

/** This process's environment without what would change what a command prints. */
export function bareEnvironment(): NodeJS.ProcessEnv {
  const { FORCE_COLOR: _, NO_COLOR: __, TITANQUEUE_URL: ___, XDG_CONFIG_HOME: ____, ...env } = process.env;
  return env;
}
