import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as wait } from "node:timers/promises";

const BOOT_DEADLINE = 15_000;

/** What a server says when it accepts connections; the second is a Sentinel. */
const READY = /ready to accept connections|Sentinel ID is/i;

/** One run of redis-server, with a watchdog beside it. */
export class ServerProcess {
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;

  private constructor(child: ChildProcess, pid: number) {
    this.#child = child;
    this.pid = pid;
    this.#exited = once(child, "exit");
  }

  /** Resolves when the server accepts connections; rejects with its log when it does not. */
  static async start(program: string, args: readonly string[], directory: string): Promise<ServerProcess> {
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
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
  child.kill("SIGKILL");
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
