import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis, type RedisOptions } from "ioredis";
import { afterAll, afterEach, inject } from "vitest";
import { checkInvariants, type InvariantId, line } from "./invariants.ts";

export interface RedisRigOptions {
  /** What survives a crash. @defaultValue `"none"` */
  readonly mode?: "none" | "aof-everysec" | "aof-always" | "rdb";
  /** Sets `requirepass`; the rig's URL carries it. */
  readonly password?: string;
  /** More of redis.conf, by directive. */
  readonly config?: Readonly<Record<string, string | number>>;
}

const PERSISTENCE: Readonly<Record<NonNullable<RedisRigOptions["mode"]>, readonly string[]>> = {
  none: ["--save", "", "--appendonly", "no"],
  "aof-everysec": ["--save", "", "--appendonly", "yes", "--appendfsync", "everysec"],
  "aof-always": ["--save", "", "--appendonly", "yes", "--appendfsync", "always"],
  rdb: ["--save", "1 1", "--appendonly", "no"],
};

/**
 * A redis-server of the test's own: a child on a free loopback port with a temporary directory. It is gone with its
 * parent, however the parent ends.
 */
export class RedisRig {
  readonly #options: RedisRigOptions;
  readonly #directory: string;
  readonly #clients = new Set<Redis>();
  #port = 0;
  #server: ServerProcess | undefined;

  private constructor(options: RedisRigOptions, directory: string) {
    this.#options = options;
    this.#directory = directory;
  }

  static async start(options: RedisRigOptions = {}): Promise<RedisRig> {
    const rig = new RedisRig(options, await mkdtemp(join(tmpdir(), "tq-redis-")));
    await rig.#boot();
    return rig;
  }

  get port(): number {
    return this.#port;
  }

  get url(): string {
    const { password } = this.#options;
    return `redis://${password === undefined ? "" : `:${encodeURIComponent(password)}@`}127.0.0.1:${this.#port}`;
  }

  /** Path of the unix socket the server listens on as well. */
  get socket(): string {
    return join(this.#directory, "redis.sock");
  }

  /** False between `crash()` and `restart()`, and after `stop()`. */
  get running(): boolean {
    return this.#server !== undefined;
  }

  get pid(): number {
    return this.#running().pid;
  }

  /** A raw client of the test's own, closed with the rig. */
  client(options: Omit<RedisOptions, "replyMapping"> = {}): Redis {
    const { password = "" } = this.#options;
    const client = new Redis({ host: "127.0.0.1", port: this.#port, password, ...options });
    // A test that kills its server does not want to hear of it from every client; commands still reject.
    client.on("error", () => undefined);
    this.#clients.add(client);
    client.once("end", () => this.#clients.delete(client));
    return client;
  }

  async flush(): Promise<void> {
    await this.#ask(["FLUSHALL"]);
  }

  /** Freezes the server (SIGSTOP): connections stay open and nobody answers. */
  pause(): void {
    this.#running().signal("SIGSTOP");
  }

  resume(): void {
    this.#running().signal("SIGCONT");
  }

  /** Kills the server at once (SIGKILL); what it had not yet written is lost. */
  async crash(): Promise<void> {
    await this.#running().end("SIGKILL");
    this.#server = undefined;
  }

  /** Ends the server in good order if it runs, and starts it on the same port and directory. */
  async restart(): Promise<void> {
    if (this.#server !== undefined) {
      this.#server.signal("SIGCONT");
      await this.#server.end("SIGTERM");
    }
    await this.#boot();
  }

  /** Leaves Redis `headroom` bytes before it refuses writes; `"off"` lifts the limit. */
  async setMaxmemory(headroom: number | "off"): Promise<void> {
    let limit = 0;
    if (headroom !== "off") {
      const used = /^used_memory:(\d+)/m.exec(String(await this.#ask(["INFO", "memory"])))?.[1];
      limit = Number(used) + headroom;
    }
    await this.#ask(["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    await this.#ask(["CONFIG", "SET", "maxmemory", String(limit)]);
  }

  /** Ends the server, closes the rig's clients and removes the directory. Harmless when repeated. */
  async stop(): Promise<void> {
    for (const client of this.#clients) client.disconnect();
    await this.#server?.end("SIGKILL");
    this.#server = undefined;
    await rm(this.#directory, { recursive: true, force: true });
  }

  #running(): ServerProcess {
    if (this.#server === undefined) throw new Error("this Redis is not running");
    return this.#server;
  }

  async #ask(command: [string, ...string[]]): Promise<unknown> {
    const client = this.client();
    try {
      return await client.call(...command);
    } finally {
      client.disconnect();
    }
  }

  /** The first boot looks for a port, and for another one if somebody was faster; later boots keep it. */
  async #boot(): Promise<void> {
    const attempts = this.#port === 0 ? 5 : 1;
    for (let attempt = 1; ; attempt += 1) {
      const port = attempts === 1 ? this.#port : await freePort();
      try {
        this.#server = await ServerProcess.start(this.#arguments(port), this.#directory);
        this.#port = port;
        return;
      } catch (error) {
        if (attempt >= attempts || !String(error).includes("Address already in use")) throw error;
      }
    }
  }

  #arguments(port: number): string[] {
    const { mode = "none", password, config = {} } = this.#options;
    const args = [
      "--port",
      String(port),
      "--bind",
      "127.0.0.1",
      "--dir",
      this.#directory,
      "--daemonize",
      "no",
    ];
    args.push("--unixsocket", this.socket, "--logfile", "", ...PERSISTENCE[mode]);
    if (password !== undefined) args.push("--requirepass", password);
    for (const [directive, value] of Object.entries(config)) args.push(`--${directive}`, String(value));
    return args;
  }
}

/** A Redis for one test file, whose data is judged after every test. */
export interface FileRedis extends RedisRig {
  /**
   * For a test that leaves damage behind on purpose: names the invariants it breaks. All of them must be broken when
   * it ends, and no other. The data of such a test is flushed.
   */
  expectDamage(...invariants: InvariantId[]): void;
}

/**
 * A Redis for the calling test file, stopped after its last test: `const redis = await redisForFile();` at the top.
 * After each test every queue in it must keep the invariants.
 */
export async function redisForFile(options: RedisRigOptions = {}): Promise<FileRedis> {
  const rig = await RedisRig.start(options);
  const expected = new Set<InvariantId>();
  afterEach(async () => {
    const announced = [...expected].sort();
    expected.clear();
    await judge(rig, announced);
  });
  afterAll(() => rig.stop());
  return Object.assign(rig, {
    expectDamage: (...invariants: InvariantId[]) => {
      for (const invariant of invariants) expected.add(invariant);
    },
  });
}

/** A server that a test has killed has nothing to judge; one that it froze is thawed. */
async function judge(rig: RedisRig, announced: readonly InvariantId[]): Promise<void> {
  if (!rig.running) return;
  rig.resume();
  const client = rig.client();
  try {
    const { violations } = await checkInvariants(client);
    const found = [...new Set(violations.map(({ invariant }) => invariant))].sort();
    if (found.length > 0) await client.flushall();
    if (found.join() === announced.join()) return;
    const wanted = announced.length === 0 ? "none" : announced.join(" ");
    throw new Error(`the test left damage (expected: ${wanted}):\n${violations.map(line).join("\n")}`);
  } finally {
    client.disconnect();
  }
}

const BOOT_DEADLINE = 15_000;

/** One run of redis-server, with a watchdog beside it. */
class ServerProcess {
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;

  private constructor(child: ChildProcess, pid: number) {
    this.#child = child;
    this.pid = pid;
    this.#exited = once(child, "exit");
  }

  /** Resolves when the server accepts connections; rejects with its log when it does not. */
  static async start(args: readonly string[], directory: string): Promise<ServerProcess> {
    const child = spawn(inject("redis").path, args, { stdio: ["ignore", "pipe", "pipe"] });
    await once(child, "spawn");
    const { pid } = child;
    if (pid === undefined) throw new Error("redis-server has no process id");
    const watchdog = watchOver(pid, directory);
    child.once("exit", () => watchdog.stdin?.end("gone\n"));
    await ready(child);
    return new ServerProcess(child, pid);
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  async end(name: "SIGTERM" | "SIGKILL"): Promise<void> {
    this.#child.kill(name);
    await this.#exited;
  }
}

/**
 * A shell that waits on a pipe we hold. The pipe closes when we die, even by SIGKILL, and then it kills the server and
 * removes its directory. A session of its own keeps Ctrl-C from reaching it first.
 */
function watchOver(pid: number, directory: string): ChildProcess {
  const script = 'read -r word; [ "$word" = gone ] && exit 0; kill -9 "$1"; rm -rf "$2"';
  const watchdog = spawn("sh", ["-c", script, "watchdog", String(pid), directory], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  watchdog.unref();
  return watchdog;
}

/** Resolves when the server says so; otherwise kills it and rejects with what it said. */
async function ready(child: ChildProcess): Promise<void> {
  const said: string[] = [];
  let deadline: NodeJS.Timeout | undefined;
  const failure = await new Promise<string | undefined>((resolve) => {
    const listen = (chunk: Buffer) => {
      said.push(chunk.toString());
      if (said.join("").includes("Ready to accept connections")) resolve(undefined);
    };
    child.stdout?.on("data", listen);
    child.stderr?.on("data", listen);
    child.once("close", () => resolve("ended at once"));
    deadline = setTimeout(() => resolve("did not get ready in time"), BOOT_DEADLINE);
  });
  clearTimeout(deadline);
  // The rest is read, so that the pipes never fill, and dropped.
  child.stdout?.removeAllListeners("data").resume();
  child.stderr?.removeAllListeners("data").resume();
  if (failure === undefined) return;
  child.kill("SIGKILL");
  throw new Error(`redis-server ${failure}:\n${said.join("")}`);
}

/**
 * A free port below the range from which the system takes ports for outgoing connections, so that nobody takes it while
 * a server restarts; the port 10,000 above is free for Redis Cluster's bus.
 */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 16_000 + Math.floor(Math.random() * 6_000);
    if ((await isFree(port)) && (await isFree(port + 10_000))) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
}
