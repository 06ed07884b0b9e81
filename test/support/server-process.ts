import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";
import { basename } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { ServerProgram } from "../../scripts/find-redis.ts";

const BOOT_DEADLINE = 15_000;

/** What a server says when it accepts connections; the second is a Sentinel. */
const READY = /ready to accept connections|Sentinel ID is/i;

/** One run of redis-server, with a watchdog beside it. */
export class ServerProcess {
  /** Of the server, or of the Docker client in front of it. */
  readonly pid: number;
  readonly #exited: Promise<unknown>;
  readonly #signal: (name: Signal) => void;

  private constructor(child: ChildProcess, pid: number, signal: (name: Signal) => void) {
    this.pid = pid;
    this.#exited = once(child, "exit");
    this.#signal = signal;
  }

  /** Resolves when the server accepts connections; rejects with its log when it does not. */
  static async start(
    server: ServerProgram,
    args: readonly string[],
    directory: string,
  ): Promise<ServerProcess> {
    const container = `${basename(directory)}-${randomUUID().slice(0, 8)}`;
    const [program, ...words] = command(server, args, directory, container);
    const child = spawn(program, words, { stdio: ["ignore", "pipe", "pipe"] });
    await once(child, "spawn");
    const { pid } = child;
    if (pid === undefined) throw new Error("redis-server has no process id");
    const isProgram = server.kind === "program";
    const watchdog = watchOver(
      isProgram ? ["kill", "-9", `${pid}`] : ["docker", "kill", container],
      directory,
    );
    child.once("exit", () => watchdog.stdin?.end("gone\n"));
    const signal = (name: Signal) => {
      if (isProgram) child.kill(name);
      else spawnSync("docker", ["kill", "--signal", name, container]);
    };
    await ready(child, () => signal("SIGKILL"));
    return new ServerProcess(child, pid, signal);
  }

  signal(name: Signal): void {
    this.#signal(name);
  }

  async end(name: "SIGTERM" | "SIGKILL"): Promise<void> {
    this.#signal(name);
    await this.#exited;
  }
}

export type Signal = "SIGTERM" | "SIGKILL" | "SIGSTOP" | "SIGCONT";

function command(
  server: ServerProgram,
  args: readonly string[],
  directory: string,
  container: string,
): [program: string, ...words: string[]] {
  if (server.kind === "program") return [server.path, ...args];
  const user = `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`;
  const place = [
    "--network",
    "host",
    "--user",
    user,
    "--volume",
    `${directory}:${directory}`,
    "--name",
    container,
  ];
  return ["docker", "run", "--rm", ...place, server.image, "redis-server", ...args];
}

/**
 * A shell that waits on a pipe we hold. The pipe closes when we die, even by SIGKILL, and then it kills the server and
 * removes its directory. A session of its own keeps Ctrl-C from reaching it first.
 */
function watchOver(kill: readonly string[], directory: string): ChildProcess {
  const script = 'read -r word; [ "$word" = gone ] && exit 0; dir=$1; shift; "$@"; rm -rf "$dir"';
  const watchdog = spawn("sh", ["-c", script, "watchdog", directory, ...kill], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  watchdog.unref();
  return watchdog;
}

/** Resolves when the server says so; otherwise kills it and rejects with what it said. */
async function ready(child: ChildProcess, kill: () => void): Promise<void> {
  const said: string[] = [];
  let deadline: NodeJS.Timeout | undefined;
  const failure = await new Promise<string | undefined>((resolve) => {
    const listen = (chunk: Buffer) => {
      said.push(chunk.toString());
      if (READY.test(said.join(""))) resolve(undefined);
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
  kill();
  throw new Error(`redis-server ${failure}:\n${said.join("")}`);
}

/**
 * A free port below the range from which the system takes ports for outgoing connections, so that nobody takes it while
 * a server restarts; the port 10,000 above is free for Redis Cluster's bus.
 */
export async function freePort(): Promise<number> {
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

/** Asks again and again until `condition` holds, for at most 20 seconds. */
export async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error("waited in vain for the servers to agree");
    await wait(20);
  }
}
