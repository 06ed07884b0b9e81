import type { ConnectionOptions as TlsOptions } from "node:tls";
import { EngineUrlInvalidError } from "../../errors.ts";

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** A name and a password. Without a name: the default user. */
export interface Credentials {
  readonly username?: string;
  readonly password?: string;
}

/** Where Redis is to be found. */
export type Place =
  | { readonly kind: "server"; readonly address: Address }
  | { readonly kind: "socket"; readonly path: string }
  | {
      readonly kind: "sentinel";
      readonly sentinels: readonly Address[];
      readonly master: string;
      /** For the Sentinels themselves. */
      readonly sentinelCredentials: Credentials;
    }
  | { readonly kind: "cluster"; readonly nodes: readonly Address[] };

/** What a Redis URL says. */
export interface RedisSettings {
  readonly place: Place;
  readonly credentials: Credentials;
  readonly db: number;
  /** Absent: no TLS. */
  readonly tls: TlsOptions | undefined;
}

const REDIS_PORT = 6379;
const SENTINEL_PORT = 26379;

/** Query parameters by scheme; any other is a mistake worth an error. */
const PARAMETERS: Readonly<Record<string, readonly string[]>> = {
  redis: ["db", "tls"],
  rediss: ["db"],
  "redis-socket": ["db"],
  "redis-sentinel": ["master", "username", "password", "db", "tls"],
  "redis-cluster": ["tls"],
};

/** The schemes whose URLs {@link parseRedisUrl} understands. */
const REDIS_SCHEMES: readonly string[] = Object.keys(PARAMETERS);

/**
 * Understands, with asynq's forms among them,
 *
 * - `redis://[user:password@]host[:port][/db]`, and `rediss://` with TLS
 * - `redis-socket://[user:password@]/path/of/socket[?db=n]`
 * - `redis-sentinel://[user:password@]host[:port],…[/db]?master=name[&username=…][&password=…]`: the password before
 *   the hosts is the Sentinels', the ones in the query are Redis's
 * - `redis-cluster://[user:password@]host[:port],…`
 *
 * with `?db=n` and `?tls=true` where they make sense.
 *
 * @throws EngineUrlInvalidError with nothing of what was given but the scheme, since a URL that cannot be understood
 * may hold a password anywhere
 */
export function parseRedisUrl(url: string): RedisSettings {
  const parts = split(url);
  const { scheme, userInfo, hosts, path, query } = parts;
  const flaw = (problem: string) => new EngineUrlInvalidError(`${scheme}: URL: ${problem}`);
  const parameters = parametersOf(scheme, query);
  const given = credentialsOf(scheme, userInfo);
  const tls = scheme === "rediss" || flag(scheme, parameters.get("tls")) ? {} : undefined;

  if (scheme === "redis-socket") {
    const place: Place = { kind: "socket", path: decode(scheme, "path", hosts + path) };
    if (place.path === "") throw flaw("the path of the socket is missing");
    return { place, credentials: given, db: number(scheme, "db", parameters.get("db") ?? "0"), tls };
  }

  const db = number(scheme, "db", parameters.get("db") ?? (path.replace(/^\/|\/$/g, "") || "0"));
  switch (scheme) {
    case "redis-sentinel": {
      const master = parameters.get("master");
      if (!master) throw flaw("?master=<name> is missing");
      const sentinels = addresses(scheme, hosts, SENTINEL_PORT);
      const credentials = named(parameters.get("username"), parameters.get("password"));
      return {
        place: { kind: "sentinel", sentinels, master, sentinelCredentials: given },
        credentials,
        db,
        tls,
      };
    }
    case "redis-cluster":
      if (db !== 0) throw flaw("a Redis Cluster has database 0 only");
      return {
        place: { kind: "cluster", nodes: addresses(scheme, hosts, REDIS_PORT) },
        credentials: given,
        db,
        tls,
      };
    default: {
      const [address, another] = addresses(scheme, hosts || "localhost", REDIS_PORT);
      if (address === undefined || another !== undefined) throw flaw("one host is expected");
      return { place: { kind: "server", address }, credentials: given, db, tls };
    }
  }
}

/** The URL for a log: whatever may be a secret is `***`, and one that cannot be understood is all secret. */
export function redactUrl(url: string): string {
  try {
    const { scheme, userInfo, hosts, path, query } = split(url);
    parseRedisUrl(url);
    const parameters = parametersOf(scheme, query);
    for (const name of ["username", "password"]) if (parameters.has(name)) parameters.set(name, "***");
    const rest = [...parameters].map(([name, value]) => `${name}=${value}`).join("&");
    return `${scheme}://${userInfo === "" ? "" : "***@"}${hosts}${path}${rest === "" ? "" : `?${rest}`}`;
  } catch {
    return `${/^[a-z-]{1,20}(?=:)/.exec(url)?.[0] ?? "redis"}://***`;
  }
}

interface Parts {
  readonly scheme: string;
  /** Still percent-encoded, as all of these. */
  readonly userInfo: string;
  readonly hosts: string;
  readonly path: string;
  readonly query: string;
}

/** By hand: `URL` knows no lists of hosts. The last `@` before the path ends the user info, as in `URL`. */
function split(url: string): Parts {
  const [, scheme = "", authority = "", path = "", query = ""] =
    /^([a-z-]+):\/\/([^/?]*)(\/[^?]*)?(?:\?(.*))?$/s.exec(url) ?? [];
  if (!(scheme in PARAMETERS)) {
    throw new EngineUrlInvalidError(
      `not a Redis URL; expected ${REDIS_SCHEMES.map((name) => `${name}://`).join(", ")}`,
    );
  }
  const at = authority.lastIndexOf("@");
  return {
    scheme,
    userInfo: authority.slice(0, Math.max(0, at)),
    hosts: authority.slice(at + 1),
    path,
    query,
  };
}

function parametersOf(scheme: string, query: string): Map<string, string> {
  const known = PARAMETERS[scheme] ?? [];
  const found = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(query)) {
    if (!known.includes(name)) {
      const shown = /^\w{1,30}$/.test(name) ? ` "${name}"` : "";
      throw new EngineUrlInvalidError(
        `${scheme}: URL: unknown parameter${shown}; expected ${known.join(", ")}`,
      );
    }
    found.set(name, value);
  }
  return found;
}

function credentialsOf(scheme: string, userInfo: string): Credentials {
  const colon = userInfo.indexOf(":");
  const [name, password] = colon < 0 ? [userInfo, ""] : [userInfo.slice(0, colon), userInfo.slice(colon + 1)];
  return named(decode(scheme, "user name", name), decode(scheme, "password", password));
}

function named(username: string | undefined, password: string | undefined): Credentials {
  return { ...(username ? { username } : {}), ...(password ? { password } : {}) };
}

function addresses(scheme: string, hosts: string, defaultPort: number): Address[] {
  return hosts.split(",").map((text) => {
    const [, six, name, port] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]+))(?::(\d+))?$/.exec(text) ?? [];
    const host = six ?? name;
    const number = port === undefined ? defaultPort : Number(port);
    if (host === undefined || number < 1 || number > 65_535) {
      throw new EngineUrlInvalidError(
        `${scheme}: URL: a host cannot be understood; expected host, host:port or [IPv6]:port ` +
          `(special characters of a password are written %xx)`,
      );
    }
    return { host: decode(scheme, "host", host), port: number };
  });
}

function number(scheme: string, name: string, text: string): number {
  if (!/^\d{1,5}$/.test(text))
    throw new EngineUrlInvalidError(`${scheme}: URL: ${name} is not a database number`);
  return Number(text);
}

function flag(scheme: string, text: string | undefined): boolean {
  if (text === undefined || text === "false") return false;
  if (text === "true") return true;
  throw new EngineUrlInvalidError(`${scheme}: URL: tls is "true" or "false"`);
}

function decode(scheme: string, name: string, text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new EngineUrlInvalidError(`${scheme}: URL: the ${name} is not percent-encoded`);
  }
}
