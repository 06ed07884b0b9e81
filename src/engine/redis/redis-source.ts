import type { ConnectionOptions as TlsOptions } from "node:tls";
import { UnsupportedClientError } from "../../errors.ts";
import type { Logger } from "../../runtime/logger.ts";
import { DRIVER_OPTIONS, type DriverClient, type DriverOptions, loadDriver } from "./driver.ts";
import type { Endpoint } from "./endpoint.ts";
import { type Address, type Credentials, parseRedisUrl, type RedisSettings } from "./redis-url.ts";

/** A URL, and what is better kept out of it. */
export interface RedisLocation {
  /** `redis://host:port/db`, or any other form that the engine understands. */
  readonly url: string;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** For the Sentinels themselves. */
  readonly sentinelUsername?: string | undefined;
  readonly sentinelPassword?: string | undefined;
  /** Turns TLS on, with Node's own settings (`ca`, `cert`, `key`, `servername`, …). */
  readonly tls?: TlsOptions | undefined;
}

/** An ioredis client, version 5 or 6, `Redis` or `Cluster`. It is copied, and never used or closed itself. */
export interface IoredisClient {
  readonly options: object;
  readonly status: string;
  duplicate(...args: never[]): unknown;
  sendCommand(...args: never[]): unknown;
}

export type RedisSource = string | RedisLocation | IoredisClient;

/** How to reach what a source means. */
export type Reach =
  | { readonly kind: "single"; readonly endpoint: Endpoint }
  | {
      readonly kind: "cluster";
      readonly seeds: readonly Address[];
      readonly endpoint: (node: Address) => Endpoint;
    };

/**
 * @throws EngineUrlInvalidError the URL cannot be understood
 * @throws UnsupportedClientError neither a URL nor an ioredis client
 */
export function reachOf(source: RedisSource, logger: Logger): Reach {
  if (typeof source === "string") return reachOfSettings(parseRedisUrl(source), logger);
  if (isIoredis(source))
    return isCluster(source) ? reachOfCluster(source, logger) : reachOfClient(source, logger);
  if (typeof source === "object" && source !== null && typeof source.url === "string") {
    return reachOfSettings(settingsOf(source), logger);
  }
  const what = isNodeRedis(source) ? "a client of node-redis (package redis)" : "this value";
  throw new UnsupportedClientError(`${what} cannot be used: pass a URL, or a client of ioredis 5 or 6`);
}

function settingsOf(location: RedisLocation): RedisSettings {
  const settings = parseRedisUrl(location.url);
  const { place } = settings;
  return {
    ...settings,
    credentials: over(settings.credentials, location.username, location.password),
    tls: location.tls ?? settings.tls,
    place:
      place.kind === "sentinel"
        ? {
            ...place,
            sentinelCredentials: over(
              place.sentinelCredentials,
              location.sentinelUsername,
              location.sentinelPassword,
            ),
          }
        : place,
  };
}

function over(given: Credentials, username: string | undefined, password: string | undefined): Credentials {
  return {
    ...given,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
  };
}

function reachOfSettings({ place, credentials, db, tls }: RedisSettings, logger: Logger): Reach {
  warnOfOpenTls(tls, logger);
  const endpoint = (where: string, settings: DriverOptions, replicaAllowed = false): Endpoint => ({
    where,
    credentials,
    db,
    replicaAllowed,
    client: async (more) => {
      const { Redis } = await loadDriver();
      return new Redis({ ...DRIVER_OPTIONS, ...(tls === undefined ? {} : { tls }), ...settings, ...more });
    },
  });
  switch (place.kind) {
    case "server":
      return { kind: "single", endpoint: endpoint(text(place.address), { ...place.address }) };
    case "socket":
      return { kind: "single", endpoint: endpoint(place.path, { path: place.path }) };
    case "sentinel":
      return {
        kind: "single",
        endpoint: endpoint(`${place.master} (by Sentinel)`, {
          sentinels: place.sentinels,
          name: place.master,
          sentinelUsername: place.sentinelCredentials.username ?? null,
          sentinelPassword: place.sentinelCredentials.password ?? null,
          ...(tls === undefined ? {} : { sentinelTLS: tls, enableTLSForSentinelMode: true }),
        }),
      };
    case "cluster":
      return {
        kind: "cluster",
        seeds: place.nodes,
        endpoint: (node) => endpoint(text(node), { ...node }, true),
      };
  }
}

interface IoredisOptions extends Record<string, unknown> {
  readonly host?: string;
  readonly port?: number;
  readonly path?: string;
  readonly name?: string;
  readonly username?: string | null;
  readonly password?: string | null;
  readonly db?: number;
  readonly tls?: TlsOptions;
}

function reachOfClient(client: IoredisClient, logger: Logger): Reach {
  const options = client.options as IoredisOptions;
  warnOfOpenTls(options.tls, logger);
  const address = text({ host: options.host ?? "localhost", port: options.port ?? 6379 });
  const duplicate = client.duplicate.bind(client) as (options: DriverOptions) => DriverClient;
  return {
    kind: "single",
    endpoint: {
      where: options.name ? `${options.name} (by Sentinel)` : (options.path ?? address),
      credentials: over({}, options.username ?? undefined, options.password ?? undefined),
      db: options.db ?? 0,
      replicaAllowed: false,
      client: async (more) => duplicate({ ...DRIVER_OPTIONS, ...more }),
    },
  };
}

interface ClusterClient extends IoredisClient {
  readonly isCluster: true;
  readonly startupNodes: readonly (string | number | { host?: string; port?: number | string })[];
  readonly options: { readonly redisOptions?: IoredisOptions; readonly natMap?: unknown };
}

/** Of a Cluster only its settings are taken: which node serves a slot is ours to know. */
function reachOfCluster(client: ClusterClient, logger: Logger): Reach {
  const { redisOptions = {}, natMap } = client.options;
  warnOfOpenTls(redisOptions.tls, logger);
  const credentials = over({}, redisOptions.username ?? undefined, redisOptions.password ?? undefined);
  return {
    kind: "cluster",
    seeds: client.startupNodes.map(addressOf),
    endpoint: (node) => {
      const address = mapped(natMap, node);
      return {
        where: text(address),
        credentials,
        db: 0,
        replicaAllowed: true,
        client: async (more) => {
          const { Redis } = await loadDriver();
          return new Redis({ ...redisOptions, ...DRIVER_OPTIONS, ...address, ...more });
        },
      };
    },
  };
}

function addressOf(node: ClusterClient["startupNodes"][number]): Address {
  if (typeof node === "number") return { host: "127.0.0.1", port: node };
  if (typeof node === "object") return { host: node.host ?? "127.0.0.1", port: Number(node.port ?? 6379) };
  const settings = parseRedisUrl(node.includes("://") ? node : `redis://${node}`);
  return settings.place.kind === "server" ? settings.place.address : { host: node, port: 6379 };
}

function mapped(natMap: unknown, node: Address): Address {
  const key = text(node);
  const found: unknown =
    typeof natMap === "function"
      ? natMap(key)
      : typeof natMap === "object" && natMap !== null
        ? (natMap as Record<string, unknown>)[key]
        : undefined;
  return (found as Address | undefined) ?? node;
}

export function text({ host, port }: Address): string {
  return `${host}:${port}`;
}

function warnOfOpenTls(tls: TlsOptions | undefined, logger: Logger): void {
  if (tls?.rejectUnauthorized !== false) return;
  logger.warn(
    {},
    "TLS to Redis does not check the certificate (rejectUnauthorized: false): anyone can pose as it",
  );
}

/** By shape: the client may come from another copy or version of the package. */
function isIoredis(value: unknown): value is IoredisClient {
  const client = value as Partial<Record<keyof IoredisClient, unknown>> | null;
  return (
    typeof client === "object" &&
    client !== null &&
    typeof client.duplicate === "function" &&
    typeof client.sendCommand === "function" &&
    typeof client.status === "string" &&
    typeof client.options === "object"
  );
}

function isCluster(client: IoredisClient): client is ClusterClient {
  return (client as { isCluster?: unknown }).isCluster === true;
}

function isNodeRedis(value: unknown): boolean {
  const client = value as { sendCommand?: unknown; isOpen?: unknown; isReady?: unknown } | null;
  return typeof client === "object" && client !== null && "sendCommand" in client && "isReady" in client;
}
