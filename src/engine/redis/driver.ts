import { EdgeRuntimeError } from "../../errors.ts";
import type { RedisReply } from "./redis-commands.ts";

/**
 * All we need of ioredis. It opens the socket (TCP, TLS, unix; asks the Sentinels), parses replies and pairs them
 * with commands. Everything else (reconnecting, waiting, deadlines, redirections) is ours, because there its ways
 * are not: it re-sends what may have been executed, and never settles what was lost.
 */
export interface DriverClient {
  readonly stream: DriverStream | undefined;
  connect(): Promise<void>;
  disconnect(): void;
  /** Writes the command at once, or rejects it. */
  sendCommand(command: DriverCommand): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  /** The message of an invalidation is an array of keys, or null for all. */
  on(event: "messageBuffer", listener: (channel: Buffer, message: RedisReply) => void): unknown;
}

export interface DriverStream {
  cork(): void;
  uncork(): void;
  unref(): unknown;
  destroy(): unknown;
  once(event: "close", listener: () => void): unknown;
  readonly destroyed: boolean;
}

/** What ioredis, 5 and 6, touches of a command. Ours arrive encoded, which saves its work on every argument. */
export interface DriverCommand {
  readonly name: string;
  /** Only counted (SUBSCRIBE) and copied into errors, so that a password in it could leak. */
  readonly args: readonly string[];
  /** Keeps ioredis from wrapping the command for its diagnostics channel. */
  readonly isTraced: boolean;
  readonly promise: undefined;
  setReplyContext(): void;
  /** Called exactly when the command is being written. */
  toWritable(): Buffer;
  resolve(reply: RedisReply): void;
  reject(error: Error): void;
}

export type DriverOptions = Readonly<Record<string, unknown>>;

export interface DriverModule {
  readonly Redis: new (options: DriverOptions) => DriverClient;
}

/**
 * Settings under which ioredis only does what we want of it.
 *
 * Each client lives for one connection: it never reconnects, so it never re-sends, and what it had is over when its
 * socket closes. We authenticate, select and check by ourselves; it would print on the console.
 */
export const DRIVER_OPTIONS: DriverOptions = {
  lazyConnect: true,
  // Protocol 3 would swallow the pushes of CLIENT TRACKING.
  protocol: 2,
  replyMapping: "legacy",
  stringNumbers: false,
  retryStrategy: null,
  reconnectOnError: null,
  sentinelRetryStrategy: null,
  maxRetriesPerRequest: null,
  autoResubscribe: false,
  autoResendUnfulfilledCommands: false,
  enableAutoPipelining: false,
  enableOfflineQueue: false,
  enableReadyCheck: false,
  disableClientInfo: true,
  failoverDetector: false,
  role: "master",
  readOnly: false,
  monitor: false,
  commandTimeout: undefined,
  socketTimeout: undefined,
  himportFieldsets: undefined,
  connectionName: null,
  username: null,
  password: null,
  db: 0,
};

/** As much of the global scope as tells whether there are sockets in it. */
export interface Scope {
  readonly process?: { readonly versions?: { readonly node?: string } };
}

/** @throws EdgeRuntimeError there are no sockets here. */
export async function loadDriver(scope: Scope = globalThis): Promise<DriverModule> {
  if (typeof scope.process?.versions?.node !== "string") {
    throw new EdgeRuntimeError("Redis needs TCP sockets, which this runtime does not have; use Node.js");
  }
  // Computed, so that bundlers of code that never opens Redis leave the driver out.
  const specifier = ["io", "redis"].join("");
  const module: unknown = await import(specifier);
  return module as DriverModule;
}
