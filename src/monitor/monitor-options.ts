import { type Duration, parseDuration } from "../duration.ts";
import { InvalidOptionError } from "../errors.ts";
import type { AnyTaskDefinition, Engine, Logger, Runtime } from "../index.ts";
import { consoleLogger, levelled, requireLogger } from "../runtime/logger.ts";
import { systemRuntime } from "../runtime/runtime.ts";
import { requireKnownNames } from "../suggestion.ts";
import type { AuditLine, Role } from "./api.ts";
import type { Credentials } from "./authentication.ts";
import { parseHash } from "./password.ts";
import { DEFAULT_REDACTED_KEYS } from "./redaction.ts";
import { ROLES } from "./scope.ts";

/** Whoever `authorize` recognises. */
export interface AuthorizedVisitor {
  /** How the audit log calls them. */
  readonly user: string;
  /** @defaultValue `"view"` */
  readonly role?: Role | undefined;
  /** Queues that they may see; `*` stands for any characters. @defaultValue all */
  readonly queues?: readonly string[] | undefined;
}

export interface MonitorOptions {
  /** A URL, or an engine to share with others. @defaultValue the URL in `TITANQUEUE_URL` */
  engine?: string | Engine | undefined;
  /**
   * The path that the monitor is mounted under, such as `"/monitor"`, where whatever mounts it leaves it in the URL
   * (Fastify, Next; Express takes it away). @defaultValue none
   */
  basePath?: string | undefined;
  /**
   * Who may log in. A function is asked at each request, so that they may change. `"none"`: whatever stands before the
   * monitor decides who gets through, and whoever does may do everything.
   * @defaultValue nobody has to log in, and only clients on this machine are answered
   */
  auth?: Credentials | (() => Credentials) | "none" | undefined;
  /**
   * Recognises visitors by their request, by a session of yours for example. `undefined` or `null`: nobody we know.
   * Live streams ask it again every few seconds.
   */
  authorize?:
    | ((
        request: Request,
      ) => AuthorizedVisitor | null | undefined | Promise<AuthorizedVisitor | null | undefined>)
    | undefined;
  /** Names by which visitors reach the monitor, as `"queues.example.com"`. Requests for other names are refused. */
  allowedHosts?: readonly string[] | undefined;
  /** Believe `X-Forwarded-Host` and the last address of `X-Forwarded-For`. @defaultValue false */
  trustProxy?: boolean | undefined;
  /** Nothing can be changed, whoever asks. @defaultValue false */
  readOnly?: boolean | undefined;
  /**
   * Parts of names of payload keys and headers whose values visitors with the role `view` do not see.
   * @defaultValue `password`, `token`, `secret`, `authorization` and the like
   */
  redactedKeys?: readonly string[] | undefined;
  /** Definitions for the form that enqueues. */
  tasks?: readonly AnyTaskDefinition[] | undefined;
  /** Told of every change, refused ones included, beside the log. */
  onAudit?: ((line: AuditLine) => void) | undefined;
  /** Between two looks at the engine while somebody watches; at least a second. @defaultValue `"1s"` */
  sampleInterval?: Duration | undefined;
  /** @defaultValue standard error, changes included */
  logger?: Logger | undefined;
  /** Time and chance. @defaultValue the real ones */
  runtime?: Runtime | undefined;
}

const NAMES = [
  "engine",
  "basePath",
  "auth",
  "authorize",
  "allowedHosts",
  "trustProxy",
  "readOnly",
  "redactedKeys",
  "tasks",
  "onAudit",
  "sampleInterval",
  "logger",
  "runtime",
] as const;

const LEAST_INTERVAL = 1_000;

/** Options that were checked; nothing is left open. */
export interface MonitorConfig {
  readonly basePath: string;
  /** `undefined`: nobody has to log in. */
  readonly credentials: (() => Credentials) | undefined;
  readonly authorize: MonitorOptions["authorize"];
  /** Somebody else decides who gets through. */
  readonly guarded: boolean;
  readonly allowedHosts: readonly string[];
  readonly trustProxy: boolean;
  readonly readOnly: boolean;
  readonly redactedKeys: readonly string[];
  readonly tasks: readonly AnyTaskDefinition[];
  readonly onAudit: ((line: AuditLine) => void) | undefined;
  readonly interval: number;
  readonly logger: Logger;
  readonly runtime: Runtime;
}

/** @throws {@link InvalidOptionError} */
export function checkMonitorOptions(options: MonitorOptions): MonitorConfig {
  requireKnownNames("createMonitor", options, NAMES);
  const { auth, authorize, logger } = options;
  if (auth !== undefined && authorize !== undefined) {
    throw new InvalidOptionError("authorize", "decides alone; leave out auth");
  }
  if (typeof auth === "object") checkCredentials(auth);
  return {
    basePath: checkedBasePath(options.basePath ?? ""),
    credentials: auth === undefined || auth === "none" ? undefined : credentialsOf(auth),
    authorize,
    guarded: auth === "none",
    allowedHosts: options.allowedHosts ?? [],
    trustProxy: options.trustProxy ?? false,
    readOnly: options.readOnly ?? false,
    redactedKeys: options.redactedKeys ?? DEFAULT_REDACTED_KEYS,
    tasks: options.tasks ?? [],
    onAudit: options.onAudit,
    interval: checkedInterval(options.sampleInterval ?? LEAST_INTERVAL),
    logger: levelled(logger === undefined ? consoleLogger : requireLogger(logger), "info"),
    runtime: options.runtime ?? systemRuntime,
  };
}

function credentialsOf(auth: Credentials | (() => Credentials)): () => Credentials {
  return typeof auth === "function" ? auth : () => auth;
}

/** @throws {@link InvalidOptionError} Its text never holds a hash or a token. */
export function checkCredentials({ users = [], tokens = [] }: Credentials): void {
  if (users.length + tokens.length === 0) throw new InvalidOptionError("auth", "nobody could log in");
  const seen = new Set<string>();
  for (const { user, hash, role } of users) {
    if (user === "" || user.includes(":")) {
      throw new InvalidOptionError("auth.users", "a name is empty, or holds a colon");
    }
    if (seen.has(user)) throw new InvalidOptionError("auth.users", `${JSON.stringify(user)} is there twice`);
    seen.add(user);
    if (parseHash(hash) === undefined) {
      throw new InvalidOptionError(
        "auth.users",
        `the hash of ${JSON.stringify(user)} is none that hashPassword() gives`,
      );
    }
    checkRole("auth.users", role);
  }
  for (const { token, role } of tokens) {
    if (token.length < 16 || /\s/.test(token)) {
      throw new InvalidOptionError("auth.tokens", "expected at least 16 characters without spaces");
    }
    checkRole("auth.tokens", role);
  }
}

function checkRole(option: string, role: Role | undefined): void {
  if (role === undefined || ROLES.includes(role)) return;
  throw new InvalidOptionError(option, `expected a role of ${ROLES.join(", ")}; got ${JSON.stringify(role)}`);
}

function checkedBasePath(path: string): string {
  const plain = path.replace(/\/+$/, "");
  if (plain === "" || /^(?:\/[\w.~%-]+)+$/.test(plain)) return plain;
  throw new InvalidOptionError("basePath", `expected a path such as "/monitor"; got ${JSON.stringify(path)}`);
}

function checkedInterval(duration: Duration): number {
  const interval = parseDuration("sampleInterval", duration);
  if (interval >= LEAST_INTERVAL) return interval;
  throw new InvalidOptionError("sampleInterval", `expected at least a second; got ${interval} ms`);
}
