import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis, type RedisOptions } from "ioredis";
import { afterAll, afterEach } from "vitest";
import { type FoundRedis, findRedis, type ServerProgram } from "../../scripts/find-redis.ts";
import { checkInvariants, type InvariantId, line } from "./invariants.ts";
import { type Certificate, loopbackCertificate } from "./loopback-certificate.ts";
import { freePort, ServerProcess, until } from "./server-process.ts";

export interface RedisRigOptions {
  /** What survives a crash. @defaultValue `"none"` */
  readonly mode?: "none" | "aof-everysec" | "aof-always" | "rdb";
  /** Sets `requirepass`; the rig's URL carries it. */
  readonly password?: string;
  /** Speaks TLS only, with a certificate that `RedisRig.ca` vouches for. */
  readonly tls?: boolean;
  /** Starts as a replica of this server, and is in step with it when it is ready. */
  readonly replicaOf?: RedisRig;
  /** More of redis.conf, by directive. */
  readonly config?: Directives;
}

type Directives = Readonly<Record<string, string | number>>;

const PERSISTENCE: Readonly<Record<NonNullable<RedisRigOptions["mode"]>, Directives>> = {
  none: { save: "", appendonly: "no" },
  "aof-everysec": { save: "", appendonly: "yes", appendfsync: "everysec" },
  "aof-always": { save: "", appendonly: "yes", appendfsync: "always" },
  rdb: { save: "1 1", appendonly: "no" },
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
  #certificate: Certificate | undefined;
  #server: ServerProcess | undefined;

  private constructor(options: RedisRigOptions, directory: string) {
    this.#options = options;
    this.#directory = directory;
  }

  static async start(options: RedisRigOptions = {}): Promise<RedisRig> {
    const rig = new RedisRig(options, await mkdtemp(join(tmpdir(), "tq-redis-")));
    if (options.tls) rig.#certificate = loopbackCertificate(rig.#directory);
    try {
      await rig.#boot();
      if (options.replicaOf !== undefined) await rig.#inStep();
      return rig;
    } catch (error) {
      await rig.stop();
      throw error;
    }
  }

  get port(): number {
    return this.#port;
  }

  get url(): string {
    const { password } = this.#options;
    const scheme = this.#certificate === undefined ? "redis" : "rediss";
    const credentials = password === undefined ? "" : `:${encodeURIComponent(password)}@`;
    return `${scheme}://${credentials}127.0.0.1:${this.#port}`;
  }

  /** The certificate, in PEM, that a client must trust; with `tls` only. */
  get ca(): string {
    if (this.#certificate === undefined) throw new Error("this Redis does not speak TLS");
    return this.#certificate.pem;
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
    const tls = this.#certificate === undefined ? {} : { tls: { ca: this.ca } };
    const client = new Redis({ host: "127.0.0.1", port: this.#port, password, ...tls, ...options });
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
        this.#server = await ServerProcess.start(
          await redisProgram(),
          this.#arguments(port),
          this.#directory,
        );
        this.#port = port;
        return;
      } catch (error) {
        if (attempt >= attempts || !String(error).includes("Address already in use")) throw error;
      }
    }
  }

  async #inStep(): Promise<void> {
    const client = this.client();
    try {
      await until(async () => (await client.info("replication")).includes("master_link_status:up"));
    } finally {
      client.disconnect();
    }
  }

  #arguments(port: number): string[] {
    const { mode = "none", password, replicaOf, config } = this.#options;
    const directives: Directives = {
      bind: "127.0.0.1",
      port,
      unixsocket: this.socket,
      dir: this.#directory,
      daemonize: "no",
      logfile: "",
      // Otherwise a primary makes its first replica wait 5 s for company.
      "repl-diskless-sync-delay": 0,
      ...PERSISTENCE[mode],
      ...(password === undefined ? {} : { requirepass: password, masterauth: password }),
      ...(replicaOf === undefined ? {} : { replicaof: `127.0.0.1 ${replicaOf.port}` }),
      ...(this.#certificate === undefined ? {} : tlsOnly(port, this.#certificate)),
      ...config,
    };
    return Object.entries(directives).flatMap(([name, value]) => [`--${name}`, String(value)]);
  }
}

function tlsOnly(port: number, { certFile, keyFile }: Certificate): Directives {
  return {
    port: 0,
    "tls-port": port,
    "tls-auth-clients": "no",
    "tls-cert-file": certFile,
    "tls-key-file": keyFile,
    "tls-ca-cert-file": certFile,
  };
}

/** Milliseconds: some tests leave a million tasks behind. */
const JUDGED_WITHIN = 120_000;

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
  }, JUDGED_WITHIN);
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

let found: Promise<FoundRedis> | undefined;

/** How to start a server on this machine. */
export async function redisProgram(): Promise<ServerProgram> {
  found ??= findRedis();
  const { url, server } = await found;
  if (server !== undefined) return server;
  throw new Error(
    `this suite stops, freezes or flushes its Redis, which must not happen to the one at ${new URL(url ?? "").host}: ` +
      "put redis-server or valkey-server on the PATH as well",
  );
}
