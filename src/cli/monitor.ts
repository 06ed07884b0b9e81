import { text } from "node:stream/consumers";
import { MonitorExposedError, TitanQueueError } from "titanqueue";
import type { Credentials } from "titanqueue/monitor";
import { systemClock } from "../runtime/clock.ts";
import { keepAlive } from "../runtime/keep-alive.ts";
import { consoleLogger } from "../runtime/logger.ts";
import { followedAuthFile, isReadableByOthers, readAuthFile } from "./auth-file.ts";
import { Failure, Refusal } from "./ending.ts";
import { findPlace } from "./engine-url.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { loadTasksFile } from "./tasks-file.ts";

export interface MonitorCommandOptions {
  readonly url?: string;
  readonly host: string;
  readonly port: number;
  readonly readOnly?: boolean;
  readonly authFile?: string;
  readonly allowedHosts?: string;
  readonly hashPassword?: boolean;
  readonly tasks?: string;
}

/** `titanqueue monitor`: serves the dashboard until a signal comes. */
export async function runMonitor(options: MonitorCommandOptions): Promise<ExitCode> {
  // Loaded here, so that no other command waits for it.
  const { checkCredentials, createMonitor, hashPassword } = await import("titanqueue/monitor");
  if (options.hashPassword) {
    const password = (await text(process.stdin)).replace(/\r?\n$/, "");
    if (password === "") throw new Refusal("expected the password on standard input");
    process.stdout.write(`${await hashPassword(password)}\n`);
    return EXIT.ok;
  }
  const place = findPlace(options.url);
  for (const { message } of place.warnings) tell(`warning: ${message}`);
  const tasks = options.tasks === undefined ? undefined : await loadTasksFile(options.tasks);
  const given = await credentialsOfEnvironment(hashPassword);
  const { authFile } = options;
  if (authFile !== undefined && isReadableByOthers(authFile)) {
    tell(`warning: others can read ${authFile}: chmod 600 it`);
  }
  const all = { ...given, users: [...(authFile ? readAuthFile(authFile) : []), ...(given.users ?? [])] };
  const hasAuth = authFile !== undefined || all.users.length + (all.tokens?.length ?? 0) > 0;
  try {
    if (hasAuth) checkCredentials(all);
    const monitor = createMonitor({
      engine: place.url,
      readOnly: options.readOnly,
      tasks,
      allowedHosts: options.allowedHosts?.split(",").map((host) => host.trim()),
      auth: !hasAuth
        ? undefined
        : authFile === undefined
          ? all
          : followedAuthFile(authFile, given, systemClock, (problem) => tell(`warning: ${problem}`)),
      logger: consoleLogger,
    });
    const { host, port } = options;
    const address = await listening(() => monitor.listen({ host, port }));
    tell(`monitor of ${place.shown} at ${address}`);
    const release = keepAlive();
    await leaving();
    await monitor.close();
    release();
    return EXIT.ok;
  } catch (error) {
    if (error instanceof MonitorExposedError) {
      throw new Refusal(
        `--host ${error.host} is reachable from other machines, and nobody would have to log in: give --auth-file (or TITANQUEUE_MONITOR_TOKEN), or leave --host out`,
      );
    }
    if (error instanceof TitanQueueError && error.code === "INVALID_OPTION") throw new Refusal(error.message);
    throw error;
  }
}

/** TITANQUEUE_MONITOR_USER with _PASSWORD, and TITANQUEUE_MONITOR_TOKEN: each may do everything. */
async function credentialsOfEnvironment(hash: (password: string) => Promise<string>): Promise<Credentials> {
  const user = process.env["TITANQUEUE_MONITOR_USER"];
  const password = process.env["TITANQUEUE_MONITOR_PASSWORD"];
  const token = process.env["TITANQUEUE_MONITOR_TOKEN"];
  if ((user === undefined) !== (password === undefined)) {
    throw new Refusal("TITANQUEUE_MONITOR_USER and TITANQUEUE_MONITOR_PASSWORD need each other");
  }
  return {
    ...(user && password && { users: [{ user, hash: await hash(password), role: "admin" as const }] }),
    ...(token && { tokens: [{ token, role: "admin" as const }] }),
  };
}

async function listening(listen: () => Promise<string>): Promise<string> {
  try {
    return await listen();
  } catch (error) {
    const { code, port, address } = error as NodeJS.ErrnoException & {
      readonly port?: number;
      readonly address?: string;
    };
    if (code === "EADDRINUSE")
      throw new Failure(`port ${port} of ${address} is taken; choose another --port`, { cause: error });
    if (code === "EACCES" || code === "EADDRNOTAVAIL" || code === "ENOTFOUND") {
      throw new Failure(`cannot listen there: ${(error as Error).message}`, { cause: error });
    }
    throw error;
  }
}

function leaving(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
  });
}

function tell(line: string): void {
  process.stderr.write(`titanqueue: ${line}\n`);
}
