import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { goProgram } from "./go-modules.ts";
import { PeerError, type PeerEvent } from "./peer.ts";

/** Versions of asynq that tools are made of or workers still run, and the module that holds each. */
const MODULES = { "0.24.1": "peer-0241", "0.25.0": "peer-0250", "0.25.1": "peer-0251" } as const;

export type OlderVersion = keyof typeof MODULES;

/** What a handler does with one attempt; see `go/any-version/worker.go`. */
export interface OlderStep {
  /** Until {@link OlderPeer.finish}. */
  readonly wait?: boolean;
  readonly result?: string;
  readonly error?: string;
}

export interface OlderServer {
  readonly name: string;
  readonly concurrency?: number;
  readonly queues: Readonly<Record<string, number>>;
  /** Go's text. */
  readonly retryDelay?: string;
  readonly shutdownTimeout?: string;
  /** By the task's type. */
  readonly steps?: Readonly<Record<string, OlderStep>>;
}

interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
  readonly code?: string;
}

interface Asked {
  readonly resolve: (result: never) => void;
  readonly reject: (error: Error) => void;
}

/** How the Go programs are told where the tasks are; a Cluster is `redis-cluster://host:port,host:port`. */
export function placeOf(url: string): readonly string[] {
  const nodes = /^redis-cluster:\/\/(.*)$/.exec(url)?.[1];
  return nodes === undefined ? ["-redis", url] : ["-cluster", nodes];
}

/** A process that runs an older asynq, on command. */
export class OlderPeer {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  readonly #asked = new Map<number, Asked>();
  readonly #events: PeerEvent[] = [];
  readonly #listeners = new Set<() => void>();
  #last = 0;
  #complaints = "";

  constructor(version: OlderVersion, url: string) {
    this.#child = spawn(goProgram(MODULES[version]), placeOf(url), { stdio: ["pipe", "pipe", "pipe"] });
    const { stdin, stdout, stderr } = this.#child;
    stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#complaints += text;
    });
    if (stdout) createInterface({ input: stdout }).on("line", (line) => this.#hear(JSON.parse(line)));
    // Who has died is found out by its end.
    stdin?.on("error", () => undefined);
    this.#ended = once(this.#child, "close").then(() => this.#end());
  }

  /** Any command of `go/any-version/main.go`. */
  ask<R>(command: string, args: unknown = {}): Promise<R> {
    this.#last += 1;
    const id = this.#last;
    return new Promise<R>((resolve, reject) => {
      this.#asked.set(id, { resolve, reject });
      this.#child.stdin?.write(`${JSON.stringify({ id, do: command, args })}\n`);
    });
  }

  /** A method of asynq's `Inspector`. Bytes are hex, list options `{ page, size }`, answers have Go's names. */
  inspect<R = unknown>(method: string, ...args: unknown[]): Promise<R> {
    return this.ask("inspect", { call: method, with: args });
  }

  serve(server: OlderServer): Promise<void> {
    return this.ask("serve", server);
  }

  shutdown(name: string): Promise<void> {
    return this.ask("shutdown", { name });
  }

  /** Ends the wait of a task that runs. */
  finish(task: string, step: OlderStep = {}): Promise<void> {
    return this.ask("finish", { task, then: step });
  }

  get events(): readonly PeerEvent[] {
    return this.#events;
  }

  /** The first event of that name that `fits`, past or to come. */
  event(name: PeerEvent["event"], fits: (event: PeerEvent) => boolean = () => true): Promise<PeerEvent> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = this.#events.find((event) => event.event === name && fits(event));
        const gone = this.#child.exitCode !== null || this.#child.signalCode !== null;
        if (found === undefined && !gone) return;
        this.#listeners.delete(look);
        if (found === undefined) reject(this.#gone());
        else resolve(found);
      };
      this.#listeners.add(look);
      look();
    });
  }

  /** SIGKILL: what it was doing stays as it is. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#ended;
  }

  /** Asks the process to end; servers in it are not shut down. */
  async close(): Promise<void> {
    this.#child.stdin?.end();
    await this.#ended;
  }

  #hear(line: PeerEvent | Answer): void {
    if ("event" in line) {
      this.#events.push(line);
      for (const look of [...this.#listeners]) look();
      return;
    }
    const asked = this.#asked.get(line.id);
    this.#asked.delete(line.id);
    if (line.error !== undefined) asked?.reject(new PeerError(line.error, line.code ?? ""));
    else asked?.resolve(line.result as never);
  }

  #end(): void {
    for (const { reject } of this.#asked.values()) reject(this.#gone());
    this.#asked.clear();
    for (const look of [...this.#listeners]) look();
  }

  #gone(): Error {
    return new Error(`the older peer has ended:\n${this.#complaints}`);
  }
}
