import { type Clock, systemClock } from "../../runtime/clock.ts";
import { KeepAlive } from "../../runtime/keep-alive.ts";
import type { Logger } from "../../runtime/logger.ts";
import { ClusterTransport } from "./cluster-transport.ts";
import { RedisConnection } from "./connection.ts";
import { type NodeOptions, RedisNode } from "./redis-node.ts";
import { type RedisSource, reachOf } from "./redis-source.ts";
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

/** Prepares the connection; it is made by the first call or by `open()`. */
export function connectRedis(source: RedisSource, options: ConnectRedisOptions): RedisConnection {
  const { logger, commandTimeout, random, clock = systemClock, maxWaiting = 1_000 } = options;
  const nodeOptions: NodeOptions = {
    clock,
    random,
    logger,
    keepAlive: new KeepAlive(),
    timeout: commandTimeout,
    maxWaiting,
  };
  const reach = reachOf(source, logger);
  const transport =
    reach.kind === "cluster"
      ? new ClusterTransport(reach.seeds, reach.endpoint, nodeOptions)
      : singleTransport(new RedisNode(reach.endpoint, nodeOptions));
  return new RedisConnection(transport, { clock, commandTimeout });
}

function singleTransport(node: RedisNode): Transport {
  return {
    cluster: false,
    get facts() {
      return node.facts;
    },
    open: () => node.open(),
    request: (_key, commands, options) => node.request(commands, options),
    close: () => node.close(),
  };
}
