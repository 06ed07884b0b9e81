import type { Broker, QueueWatch, Wake } from "../../broker/broker.ts";
import { ClosedError } from "../../errors.ts";
import { CANCEL_CHANNEL } from "../../protocol/keys.ts";
import { redisAggregation } from "./aggregation.ts";
import type { RedisConnections } from "./connect-redis.ts";
import type { Cutoff } from "./cutoff.ts";
import { doorCommands } from "./door-commands.ts";
import { redisEnqueue } from "./enqueue.ts";
import { Exchange } from "./exchange.ts";
import { redisLeases } from "./leases.ts";
import { redisMaintenance } from "./maintain.ts";
import { redisPresence } from "./presence.ts";
import { redisRecovery } from "./recovery.ts";
import type { RedisCommands } from "./redis-commands.ts";
import type { RedisContext } from "./redis-context.ts";
import { redisResults } from "./results.ts";
import { redisSweep } from "./sweep.ts";

export interface RedisBrokerOptions {
  /** Stands on a connection of its own. */
  readonly heartbeat: RedisCommands;
  readonly connections: Pick<RedisConnections, "watch" | "subscribe">;
  readonly isClosed: () => boolean;
  readonly cutoff: Cutoff;
}

/** The phases of a task's life, behind the engine's door. */
export class RedisBroker implements Broker {
  readonly now: Broker["now"];
  readonly enqueue: Broker["enqueue"];
  readonly extendLeases: Broker["extendLeases"];
  readonly writeResult: Broker["writeResult"];
  readonly forward: Broker["forward"];
  readonly listExpired: Broker["listExpired"];
  readonly recover: Broker["recover"];
  readonly sweep: Broker["sweep"];
  readonly listGroups: Broker["listGroups"];
  readonly createAggregationSet: Broker["createAggregationSet"];
  readonly readAggregationSet: Broker["readAggregationSet"];
  readonly commitAggregation: Broker["commitAggregation"];
  readonly reclaimAggregationSets: Broker["reclaimAggregationSets"];
  readonly deleteExpired: Broker["deleteExpired"];
  readonly trimArchive: Broker["trimArchive"];
  readonly writeServerState: Broker["writeServerState"];
  readonly clearServerState: Broker["clearServerState"];
  readonly publishCancelation: Broker["publishCancelation"];
  readonly #options: RedisBrokerOptions;
  readonly #ends = new Set<() => Promise<void>>();
  readonly #newExchange: () => Exchange;
  #exchange: Exchange;

  constructor(context: RedisContext, options: RedisBrokerOptions) {
    this.#options = options;
    const repeatable = { ...context, commands: doorCommands(context.commands) };
    const heartbeat = { ...context, commands: doorCommands(options.heartbeat) };
    const { cutoff } = options;
    this.now = () => context.clock.now();
    this.enqueue = redisEnqueue(context);
    const { extendLeases } = redisLeases(heartbeat);
    this.extendLeases = (queue, leased) => extendLeases(queue, leased);
    ({ writeResult: this.writeResult } = redisResults(repeatable));
    ({ listExpired: this.listExpired, recover: this.recover } = redisRecovery(repeatable, cutoff));
    ({ sweep: this.sweep } = redisSweep(repeatable));
    const maintenance = redisMaintenance(repeatable, cutoff);
    this.forward = maintenance.forward;
    this.reclaimAggregationSets = maintenance.reclaimAggregationSets;
    this.deleteExpired = maintenance.deleteExpired;
    this.trimArchive = maintenance.trimArchive;
    const aggregation = redisAggregation(repeatable, cutoff);
    this.listGroups = aggregation.listGroups;
    this.createAggregationSet = aggregation.createAggregationSet;
    this.readAggregationSet = aggregation.readAggregationSet;
    this.commitAggregation = aggregation.commitAggregation;
    const presence = redisPresence(heartbeat);
    this.writeServerState = presence.writeServerState;
    this.clearServerState = presence.clearServerState;
    this.publishCancelation = presence.publishCancelation;
    this.#newExchange = () => new Exchange(context, extendLeases);
    this.#exchange = this.#newExchange();
  }

  exchange(...call: Parameters<Broker["exchange"]>): ReturnType<Broker["exchange"]> {
    // While the engine ends its connections still stand, to hand tasks back: none may be leased any more.
    if (this.#options.isClosed()) return Promise.reject(new ClosedError("the engine"));
    return this.#exchange.exchange(...call);
  }

  watch(wake: Wake): QueueWatch {
    this.#check();
    const watch = this.#options.connections.watch(wake);
    const close = this.#untilEnd(() => watch.close());
    return {
      arm: (queue, kind) => watch.arm(queue, kind),
      get live() {
        return watch.live;
      },
      close,
    };
  }

  async subscribeCancelations(onCancel: (taskId: string) => void): Promise<() => Promise<void>> {
    this.#check();
    return this.#untilEnd(await this.#options.connections.subscribe(CANCEL_CHANNEL, onCancel));
  }

  /** Ends all that stands by itself, and hands back what lost replies had granted. Then connections may close. */
  async end(): Promise<void> {
    const ending = this.#exchange;
    this.#exchange = this.#newExchange();
    await Promise.all([ending.close(), ...[...this.#ends].map((end) => end())]);
  }

  #untilEnd(end: () => Promise<void>): () => Promise<void> {
    const once = async () => {
      if (this.#ends.delete(once)) await end();
    };
    this.#ends.add(once);
    return once;
  }

  #check(): void {
    if (this.#options.isClosed()) throw new ClosedError("the engine");
  }
}
