import { hostname } from "node:os";
import type { Engine } from "../broker/engine.ts";
import type { ServerStatus } from "../protocol/server-info.ts";
import { timestampOf } from "../protocol/timestamp.ts";
import type { Component } from "../runtime/component.ts";
import { measureEventLoopLag } from "../runtime/event-loop-lag.ts";
import { VERSION } from "../version.ts";
import { aggregator } from "./aggregator.ts";
import type { EngineState } from "./engine-state.ts";
import type { ServerEvents } from "./events.ts";
import { forwarder } from "./forwarder.ts";
import { healthchecker } from "./healthchecker.ts";
import { heartbeater } from "./heartbeater.ts";
import { janitor } from "./janitor.ts";
import { Limiter } from "./limiter.ts";
import { OutcomeLedger } from "./outcome.ts";
import { Processor } from "./processor.ts";
import { recoverer } from "./recoverer.ts";
import { Rollups } from "./rollups.ts";
import type { Router } from "./serve-mux.ts";
import type { ServerConfig } from "./server-options.ts";
import type { ServerTimings } from "./server-timings.ts";
import type { ShutdownClock } from "./shutdown-clock.ts";
import { subscriber } from "./subscriber.ts";
import { SyncQueue } from "./sync-queue.ts";
import { syncer } from "./syncer.ts";
import { TaskRunner } from "./task-runner.ts";
import { Judge } from "./verdict.ts";
import { Watcher } from "./watcher.ts";
import { Workers } from "./workers.ts";

/** Milliseconds between looks at groups, where news of them do not come at once. */
const GROUP_INTERVAL = 1_000;
/** Milliseconds: a finer one would wake an idle process more often. */
const LAG_RESOLUTION = 20;

export interface PartsOptions {
  readonly engine: Engine;
  readonly config: ServerConfig;
  readonly router: Router;
  readonly events: ServerEvents;
  readonly engineState: EngineState;
  readonly shutdownClock: ShutdownClock;
  readonly timings: ServerTimings;
  readonly status: () => ServerStatus;
}

/** A server's parts. They speak to each other only through the tables here. */
export interface Parts {
  /** In the order of their start; they stop in the opposite order. */
  readonly components: readonly Component[];
  readonly processor: Processor;
  readonly workers: Workers;
  readonly syncQueue: SyncQueue;
  readonly ledger: OutcomeLedger;
}

export function assemble(options: PartsOptions): Parts {
  const { engine, config, router, events, engineState, shutdownClock, timings, status } = options;
  const { broker } = engine;
  const { runtime, logger, errorHandler, abortGrace } = config;
  const queues = [...config.queues.keys()];
  const common = { broker, queues, events, engineState, timings, runtime, logger };

  const workers = new Workers();
  const syncQueue = new SyncQueue();
  const serverId = runtime.uuid();
  const limiter = new Limiter({ ...common, store: engine.limits, limits: config.limits, serverId });
  const rollups = new Rollups({ store: engine.rollups, now: () => broker.now(), logger });
  const ledger = new OutcomeLedger(events, logger, limiter.ended, rollups);
  const host = hostname();
  const judge = new Judge({
    ...config,
    now: () => broker.now(),
    random: () => runtime.random(),
    server: `${host}:${process.pid}`,
  });
  const watcher = new Watcher(broker, (queue, kind) => {
    if (kind === "pending") processor.wake(queue);
    else if (kind === "delayed") forward.wake();
    else groups?.wake();
  });
  const runner = new TaskRunner({
    ...common,
    workers,
    router,
    judge,
    errorHandler,
    abortGrace,
    leaseLimit: timings.leaseLimit,
    onFinished: (outcome) => processor.finish(outcome),
    onChange: () => processor.changed(),
  });
  const processor = new Processor({
    ...common,
    queues: config.queues,
    strictPriority: config.strictPriority,
    concurrency: config.concurrency,
    pollInterval: () => watcher.pollInterval(config.taskCheckInterval),
    abortGrace,
    runner,
    workers,
    limiter,
    ledger,
    syncQueue,
    onRefused: () => sync.wake(),
    shutdownClock,
    watch: (queue) => watcher.arm(queue, "pending"),
    watchIsLive: () => watcher.live,
  });
  const forward = forwarder({
    ...common,
    interval: () => watcher.pollInterval(config.delayedTaskCheckInterval),
    watch: (queue) => watcher.arm(queue, "delayed"),
  });
  const groups =
    config.aggregation &&
    aggregator({
      ...common,
      plan: config.aggregation,
      interval: () => watcher.pollInterval(GROUP_INTERVAL),
      watch: (queue) => watcher.arm(queue, "groups"),
      isStopping: () => status() === "closed",
      abort: shutdownClock.abort,
      errorHandler,
    });
  const identity = {
    host,
    pid: process.pid,
    serverId,
    concurrency: config.concurrency,
    queues: config.queues,
    strictPriority: config.strictPriority,
    startTime: timestampOf(broker.now()),
    peer: `titanqueue/${VERSION}`,
  };
  const eventLoopLag = measureEventLoopLag(LAG_RESOLUTION);
  const heart = heartbeater({ ...common, workers, runner, identity, status, rollups, eventLoopLag });
  const sync = syncer({ ...common, syncQueue, ledger });
  const { healthCheck, healthCheckInterval } = config;
  const health =
    healthCheck && healthchecker({ ...common, engine, healthCheck, interval: healthCheckInterval });

  // Leases first, then outcomes that wait, then work.
  engineState.onReturn(() => heart.wake());
  engineState.onReturn(() => sync.wake());
  engineState.onReturn(() => processor.engineReturned());

  return {
    components: [
      heart,
      ...(health ? [health] : []),
      limiter,
      subscriber({ ...common, runner }),
      sync,
      recoverer({ ...common, router, judge, errorHandler, rollups }),
      janitor({ ...common, interval: config.janitorInterval, batch: config.janitorBatchSize }),
      watcher,
      forward,
      ...(groups ? [groups] : []),
      processor,
    ],
    processor,
    workers,
    syncQueue,
    ledger,
  };
}
