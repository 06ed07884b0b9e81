import {
  EngineUnavailableError,
  EngineUrlInvalidError,
  RedisReadOnlyError,
  TitanQueueError,
} from "../../errors.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { DriverClient, DriverOptions } from "./driver.ts";
import { destroy, Link } from "./link.ts";
import { replyCode, replyError, unreachable } from "./redis-errors.ts";
import type { Credentials } from "./redis-url.ts";
import { checkServer, type ServerFacts } from "./server-check.ts";

/** A place where a Redis listens (or Sentinels tell where), and how to get in. */
export interface Endpoint {
  /** For texts: never holds a password. */
  readonly where: string;
  /** Makes a client of the driver, not yet connected, with these settings over its own. */
  readonly client: (settings: DriverOptions) => Promise<DriverClient>;
  readonly credentials: Credentials;
  readonly db: number;
  /** A node of a Cluster may become a replica at any time; it then redirects. */
  readonly replicaAllowed: boolean;
}

export interface DialOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Milliseconds for all of it. */
  readonly timeout: number;
}

export interface Dialed {
  readonly link: Link;
  readonly facts: ServerFacts;
}

/**
 * Connects, authenticates, selects the database, and checks that the server is one we can use.
 *
 * @throws EngineUnavailableError worth another try; so is `RedisReadOnlyError`. All others are wrong configurations.
 */
export async function dial(endpoint: Endpoint, options: DialOptions): Promise<Dialed> {
  const { where } = endpoint;
  const client = await endpoint.client({
    connectTimeout: options.timeout,
    sentinelCommandTimeout: options.timeout,
  });
  let failure: unknown;
  client.on("error", (error) => {
    failure ??= error;
  });
  const giveUp = options.clock.setTimer(options.timeout, () => {
    failure ??= new Error(`no connection within ${options.timeout} ms`);
    destroy(client);
  });
  try {
    await client.connect();
    const { stream } = client;
    if (stream === undefined || stream.destroyed) throw new Error("the connection closed at once");
    const link = new Link(client, stream, options.clock);
    return { link, facts: await introduce(link, endpoint, options) };
  } catch (error) {
    destroy(client);
    if (error instanceof TitanQueueError) throw error;
    throw unreachable(where, failure ?? error);
  } finally {
    giveUp();
  }
}

/** Whether waiting may mend it. */
export function isPassing(error: unknown): boolean {
  return error instanceof EngineUnavailableError || error instanceof RedisReadOnlyError;
}

async function introduce(link: Link, endpoint: Endpoint, options: DialOptions): Promise<ServerFacts> {
  const { where, credentials, db } = endpoint;
  const { timeout, logger } = options;
  if (credentials.password !== undefined) {
    const { username, password } = credentials;
    const reply = await link.ask("AUTH", username === undefined ? [password] : [username, password], timeout);
    if (reply instanceof Error) {
      if (!isNeedless(reply)) throw replyError(reply);
      logger.warn({ redis: where }, "a password is given, but Redis asks for none");
    }
  }
  if (db !== 0) {
    const reply = await link.ask("SELECT", [db], timeout);
    if (reply instanceof Error) {
      const error = replyError(reply);
      if (error.code !== "REDIS_COMMAND") throw error;
      throw new EngineUrlInvalidError(`Redis at ${where} has no database ${db}`);
    }
  }
  return checkServer(await link.ask("INFO", [], timeout), where, endpoint.replicaAllowed);
}

/** AUTH is refused because there is no password to check. */
function isNeedless(reply: Error): boolean {
  return replyCode(reply) === "ERR" && /without any password|no password is set/.test(reply.message);
}
