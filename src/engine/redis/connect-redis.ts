import type { QueueWatch, Wake } from "../../broker/broker.ts";
import { EngineUrlInvalidError } from "../../errors.ts";
import { type Clock, systemClock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/logger.ts";
import { UnderWay } from "../../runtime/under-way.ts";
import { ClusterTransport } from "./cluster-transport.ts";
import { RedisConnection } from "./connection.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Link } from "./link.ts";
import { blindWatch, TrackingWatch } from "./queue-watch.ts";
import type { RedisCommands } from "./redis-commands.ts";
import { replyError } from "./redis-errors.ts";
import { type NodeOptions, RedisNode } from "./redis-node.ts";
import { type Reach, type RedisSource, reachOf } from "./redis-source.ts";
import type { Address } from "./redis-url.ts";
import { subscribe } from "./subscription.ts";
import type { Transport } from "./transport.ts";

export interface ConnectRedisOptions {
  readonly logger: Logger;
  /** Milliseconds that a call may take, waiting for a connection included. */
  readonly commandTimeout: number;
  readonly random: () => number;
  /** Sockets live in real time, also where a test turns the engine's clock. @defaultValue the system's clock */
  readonly clock?: Clock;
  /** How many calls may wait for a connection. @defaultValue 1000 */
  readonly maxWaiting?: number;
}

export type Prepare = (commands: Pick<RedisCommands, "command">) => Promise<void>;

/** The connections that one engine has to one Redis. */
export interface RedisConnections {
  /** Keys of different hash tags may live on different servers. */
  readonly cluster: boolean;
  /**
   * A connection for commands, made by its first call or by `open()`.
   *
   * @param prepare - runs on it, and on each that is made in its place, before any call. When it rejects, another one
   * is made
   */
  connect(prepare?: Prepare): RedisConnection;
  /** Watches queues on two connections of its own, made when something is armed. */
  watch(wake: Wake): QueueWatch;
  /** Listens to a channel on a connection of its own; see {@link subscribe}. */
  subscribe(channel: string, onMessage: (message: string) => void): Promise<() => Promise<void>>;
}

/**
 * @throws EngineUrlInvalidError the URL cannot be understood
 * @throws UnsupportedClientError neither a URL nor an ioredis client
 */
export function redisConnections(source: RedisSource, options: ConnectRedisOptions): RedisConnections {
  const { logger, commandTimeout, random, clock = systemClock, maxWaiting = 1_000 } = options;
  const nodeOptions: NodeOptions = {
    clock,
    random,
    logger,
    underWay: new UnderWay(),
    timeout: commandTimeout,
    maxWaiting,
  };
  const reach = reachOf(source, logger);
  const endpoint = endpointsOf(reach);
  const cluster = reach.kind === "cluster";
  return {
    cluster,
    connect: (prepare) => {
      const on = prepare && ((link: Link) => prepare(commandsOn(link, commandTimeout)));
      const transport = transportTo(reach, { ...nodeOptions, prepare: on });
      return new RedisConnection(transport, { clock, commandTimeout });
    },
    watch: (wake) => (cluster ? blindWatch : new TrackingWatch(endpoint, wake, nodeOptions)),
    subscribe: (channel, onMessage) => subscribe(endpoint, channel, onMessage, nodeOptions),
  };
}

export function connectRedis(source: RedisSource, options: ConnectRedisOptions): RedisConnection {
  return redisConnections(source, options).connect();
}

/** One command after the other, on this link and no other. */
function commandsOn(link: Link, timeout: number): Pick<RedisCommands, "command"> {
  return {
    async command(_key, name, args) {
      const reply = await link.ask(name, args, timeout);
      if (reply instanceof Error) throw replyError(reply);
      return reply;
    },
  };
}

function transportTo(reach: Reach, options: NodeOptions): Transport {
  if (reach.kind === "cluster") return new ClusterTransport(reach.seeds, reach.endpoint, options);
  const node = new RedisNode(reach.endpoint, options);
  return {
    cluster: false,
    get facts() {
      return node.facts;
    },
    open: async () => {
      await node.open();
      if (node.facts?.cluster !== true) return;
      throw new EngineUrlInvalidError(`Redis at ${node.where} is a node of a Cluster; use redis-cluster://`);
    },
    request: (_key, commands, request) => node.request(commands, request),
    close: () => node.close(),
  };
}

/** In a Cluster every node passes messages on, so the nodes take turns. */
function endpointsOf(reach: Reach): () => Endpoint {
  if (reach.kind === "single") return () => reach.endpoint;
  let turn = 0;
  return () => {
    const seed = reach.seeds[turn % reach.seeds.length] as Address;
    turn += 1;
    return reach.endpoint(seed);
  };
}
