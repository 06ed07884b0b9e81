import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { onTestFinished } from "vitest";
import { goProgram } from "./go-modules.ts";
import { eventually, tell } from "./news.ts";

/** What happens in the peer by itself: an attempt started or ended, asynq's error handler was called, a group was aggregated. */
export interface PeerEvent {
  readonly event: "started" | "ended" | "error" | "aggregated";
  readonly server: string;
  readonly task?: string;
  readonly type?: string;
  readonly queue?: string;
  /** Hexadecimal. */
  readonly payload?: string;
  readonly headers?: Readonly<Record<string, string>> | null;
  readonly retried?: number;
  readonly maxRetry?: number;
  readonly deadline?: string;
  readonly error?: string;
  readonly group?: string;
  /** The members' payloads as text. */
  readonly payloads?: readonly string[];
}

/** What a handler of the peer does with one attempt; see `go/any-version/server.go`. Lengths of time are Go's text (`"1m30s"`). */
export interface Step {
  readonly run?: string;
  /** Until {@link Peer.finish}. */
  readonly wait?: boolean;
  readonly result?: string;
  readonly error?: string;
  /** With an error: not to be retried. */
  readonly skip?: boolean;
  /** Only of v0.26.0. */
  readonly revoke?: boolean;
  readonly panic?: string;
}

export interface PeerTask {
  readonly type: string;
  /** Absent: nil. */
  readonly payload?: Uint8Array | string;
  /** Only of v0.26.0. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Lengths of time are Go's text, instants ISO text. */
  readonly options?: {
    readonly maxRetry?: number;
    readonly queue?: string;
    readonly taskId?: string;
    readonly timeout?: string;
    readonly deadline?: string;
    readonly unique?: string;
    readonly processAt?: string;
    readonly processIn?: string;
    readonly retention?: string;
    readonly group?: string;
  };
}

export interface PeerServer {
  readonly name: string;
  readonly concurrency?: number;
  readonly queues?: Readonly<Record<string, number>>;
  readonly strictPriority?: boolean;
  readonly retryDelay?: string;
  /** Errors of this text are no failures. */
  readonly notFailure?: string;
  readonly shutdownTimeout?: string;
  /** This, and the janitor's, only of v0.26.0. */
  readonly taskCheckInterval?: string;
  readonly delayedTaskCheckInterval?: string;
  readonly janitorInterval?: string;
  readonly groupGracePeriod?: string;
  readonly groupMaxDelay?: string;
  readonly groupMaxSize?: number;
  /** The type of what groups become. */
  readonly aggregate?: string;
  /** What handlers do with tasks whose payload is no script: the n-th step at the n-th attempt, then the last. */
  readonly script?: readonly Step[];
}

export interface PeerEntry {
  readonly spec: string;
  readonly task: PeerTask;
}

/** An error that asynq answered. */
export class PeerError extends Error {
  override readonly name = "PeerError";
  /** `duplicate`, `conflict`, `empty`, `queue-not-found`, `task-not-found`, `queue-not-empty`, or asynq's own code. */
  readonly code: string;

  constructor(text: string, code: string) {
    super(text);
    this.code = code;
  }
}

interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
  readonly code?: string;
}

interface Waiting {
  readonly resolve: (result: never) => void;
  readonly reject: (error: Error) => void;
}

/** The versions of asynq that are tried, and the module that holds each: the newest, and those that tools and workers still run. */
const MODULES = {
  "0.24.1": "peer-0241",
  "0.25.0": "peer-0250",
  "0.25.1": "peer-0251",
  "0.26.0": "peer",
} as const;

export type AsynqVersion = keyof typeof MODULES;

/** How the Go programs are told where the tasks are; a Cluster is `redis-cluster://host:port,host:port`. */
export function placeOf(url: string): readonly string[] {
  const nodes = /^redis-cluster:\/\/(.*)$/.exec(url)?.[1];
  return nodes === undefined ? ["-redis", url] : ["-cluster", nodes];
}

/** A process that runs real asynq, on command. */
export class Peer {
  readonly version: AsynqVersion;
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  readonly #events: PeerEvent[] = [];
  readonly #ended: Promise<unknown>;
  #asked = 0;
  #complaints = "";
  #gone: Error | undefined;

  private constructor(url: string, version: AsynqVersion) {
    this.version = version;
    this.#child = spawn(goProgram(MODULES[version]), placeOf(url), { stdio: ["pipe", "pipe", "pipe"] });
    const { stdout, stderr } = this.#child;
    stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#complaints += text;
    });
    if (stdout) createInterface({ input: stdout }).on("line", (line) => this.#hear(JSON.parse(line)));
    // Who has died is found out by its end.
    this.#child.stdin?.on("error", () => undefined);
    this.#ended = once(this.#child, "close").then(() => this.#end());
  }

  /** Starts a peer on the Redis at `url`. It ends with its parent, or by {@link Peer.close}. */
  static async start(url: string, version: AsynqVersion = "0.26.0"): Promise<Peer> {
    const peer = new Peer(url, version);
    const { asynq } = await peer.ask<{ asynq: string }>("versions");
    if (asynq !== `v${version}`) throw new Error(`expected asynq ${version}; this is ${asynq}`);
    return peer;
  }

  /** The same, for one test. */
  static async forTest(url: string): Promise<Peer> {
    const peer = await Peer.start(url);
    onTestFinished(() => peer.close());
    return peer;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get events(): readonly PeerEvent[] {
    return this.#events;
  }

  /** Any command of `go/any-version/main.go`; of v0.26.0 those of `peer/main.go`, too. */
  ask<R>(command: string, args: unknown = {}): Promise<R> {
    this.#asked += 1;
    const id = this.#asked;
    return new Promise<R>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#child.stdin?.write(`${JSON.stringify({ id, do: command, args })}\n`);
    });
  }

  /** @returns asynq's TaskInfo. */
  enqueue({ type, payload, headers, options }: PeerTask): Promise<{ readonly ID: string } & PeerRecord> {
    return this.ask("enqueue", { type, payload: hexOf(payload), headers, options });
  }

  serve(server: PeerServer): Promise<void> {
    return this.ask("serve", server);
  }

  /** The server takes no more tasks. */
  stop(name: string): Promise<void> {
    return this.ask("stop", { name });
  }

  shutdown(name: string): Promise<void> {
    return this.ask("shutdown", { name });
  }

  /** Ends the wait of a task that runs. */
  finish(task: string, step: Step = {}): Promise<void> {
    return this.ask("finish", { task, then: step });
  }

  /** A method of asynq's `Inspector`. Bytes are hex, list options `{ page, size }`, answers have Go's names. */
  inspect<R = unknown>(method: string, ...args: unknown[]): Promise<R> {
    return this.ask("inspect", { call: method, with: args });
  }

  /** The names of all that asynq's `Inspector` can be asked. */
  inspectorMethods(): Promise<readonly string[]> {
    return this.ask("methods");
  }

  // ---- only of v0.26.0 -----------------------------------------------------------------------------------------

  /** A method of asynq's internal broker (`rdb.RDB`), without its context. Messages and records are hex. */
  broker<R = unknown>(method: string, ...args: unknown[]): Promise<R> {
    return this.ask("broker", { call: method, with: args });
  }

  /** Stops the broker's clock at an instant. */
  setClock(ms: number): Promise<void> {
    return this.ask("setClock", { now: new Date(ms).toISOString() });
  }

  /** @returns the entries' ids. */
  schedule(name: string, entries: readonly PeerEntry[], heartbeat = "1s"): Promise<string[]> {
    return this.ask("schedule", { name, heartbeat, entries: entries.map(entryOf) });
  }

  /** Runs a PeriodicTaskManager over a list that {@link Peer.provide} replaces. */
  manage(name: string, entries: readonly PeerEntry[], sync: string): Promise<void> {
    return this.ask("manage", { name, sync, heartbeat: "1s", entries: entries.map(entryOf) });
  }

  provide(name: string, entries: readonly PeerEntry[]): Promise<void> {
    return this.ask("provide", { name, entries: entries.map(entryOf) });
  }

  /** Ends a scheduler, or a PeriodicTaskManager. */
  unschedule(name: string): Promise<void> {
    return this.ask("unschedule", { name });
  }

  /** What `json.Marshal` makes of a value, which is handed in as JSON. */
  marshal(text: string): Promise<string> {
    return this.ask("marshal", { text });
  }

  /** Every key of a queue in the form of the golden vectors; of the whole Redis without one. */
  dump<R>(queue = ""): Promise<R> {
    return this.ask("dump", { queue });
  }

  // ---- of any version, what happens by itself -------------------------------------------------------------------

  /** The first event of that name that `fits`, past or to come. */
  async event(
    name: PeerEvent["event"],
    fits: (event: PeerEvent) => boolean = () => true,
  ): Promise<PeerEvent> {
    let found: PeerEvent | undefined;
    await eventually(`the peer says ${name}: ${fits}`, () => {
      found = this.#events.find((event) => event.event === name && fits(event));
      if (found === undefined && this.#gone !== undefined) throw this.#gone;
      return found !== undefined;
    });
    return found as PeerEvent;
  }

  /** SIGKILL: what it was doing stays as it is. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#ended;
  }

  /** Asks the whole process to end; servers in it are not shut down. */
  async close(): Promise<void> {
    this.#child.stdin?.end();
    await this.#ended;
  }

  #hear(line: PeerEvent | Answer): void {
    if ("event" in line) {
      this.#events.push(line);
      tell();
      return;
    }
    const waiting = this.#waiting.get(line.id);
    this.#waiting.delete(line.id);
    if (line.error !== undefined) waiting?.reject(new PeerError(line.error, line.code ?? ""));
    else waiting?.resolve(line.result as never);
  }

  #end(): void {
    this.#gone = new Error(`the peer has ended:\n${this.#complaints}`);
    for (const { reject } of this.#waiting.values()) reject(this.#gone);
    this.#waiting.clear();
    tell();
  }
}

/** What Go answers, by Go's names. */
export type PeerRecord = Readonly<Record<string, unknown>>;

function entryOf({ spec, task }: PeerEntry): unknown {
  return { spec, task: { ...task, payload: hexOf(task.payload) } };
}

function hexOf(payload: Uint8Array | string | undefined): string | undefined {
  return payload === undefined ? undefined : Buffer.from(payload).toString("hex");
}
