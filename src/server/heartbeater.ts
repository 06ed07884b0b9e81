import type { Broker } from "../broker/broker.ts";
import { LeaseLostError } from "../errors.ts";
import type { ServerInfo, ServerStatus } from "../protocol/server-info.ts";
import { NEVER, timestampOf } from "../protocol/timestamp.ts";
import type { WorkerInfo } from "../protocol/worker-info.ts";
import type { EventLoopLagMeter } from "../runtime/event-loop-lag.ts";
import type { Logger } from "../runtime/logger.ts";
import { type PeriodicComponent, periodic } from "../runtime/periodic.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { EngineState } from "./engine-state.ts";
import type { Rollups } from "./rollups.ts";
import type { ServerTimings } from "./server-timings.ts";
import type { TaskRunner } from "./task-runner.ts";
import type { Worker } from "./worker.ts";
import type { Workers } from "./workers.ts";

export interface HeartbeaterOptions {
  readonly broker: Pick<Broker, "extendLeases" | "writeServerState" | "clearServerState">;
  readonly workers: Workers;
  readonly runner: Pick<TaskRunner, "abort">;
  /** What does not change while the server lives. */
  readonly identity: Omit<ServerInfo, "status" | "activeWorkerCount" | "lag">;
  readonly status: () => ServerStatus;
  readonly eventLoopLag: EventLoopLagMeter;
  readonly engineState: EngineState;
  readonly rollups: Pick<Rollups, "beat" | "finish">;
  readonly timings: Pick<ServerTimings, "heartbeat" | "recordTtl" | "leaseLimit">;
  readonly runtime: Runtime;
  readonly logger: Logger;
}

/** Leases renewed in one call. */
const MAX_LEASES = 1_000;
/** Bytes of a payload that tools get to see: it is copied with every heartbeat. */
const SHOWN_PAYLOAD = 1_024;

/**
 * Renews the leases of what runs here, aborts what is no longer ours, shows this server to the tools, and has written what
 * was measured. Stops last, so that leases are renewed until the last handler has ended.
 */
export function heartbeater(options: HeartbeaterOptions): PeriodicComponent {
  const { broker, workers, runner, identity, status, eventLoopLag, engineState, rollups } = options;
  const { timings, runtime, logger } = options;

  async function renewLeases(): Promise<void> {
    const byQueue = new Map<string, Worker[]>();
    for (const worker of workers.running) {
      const all = byQueue.get(worker.queue);
      if (all) all.push(worker);
      else byQueue.set(worker.queue, [worker]);
    }
    await Promise.all([...byQueue].map(([queue, all]) => renewQueue(queue, all)));
  }

  /** Waits for no other call: a slow or broken queue must not cost another one its leases. */
  async function renewQueue(queue: string, all: readonly Worker[]): Promise<void> {
    const calls: Promise<unknown>[] = [];
    for (let from = 0; from < all.length; from += MAX_LEASES) {
      const some = all.slice(from, from + MAX_LEASES);
      calls.push(engineState.call(() => renew(queue, some)));
    }
    try {
      await Promise.all(calls);
    } catch (error) {
      logger.error(
        { component: "heartbeater", queue, error },
        "cannot renew leases of this queue; trying again",
      );
    }
  }

  async function renew(queue: string, some: readonly Worker[]): Promise<void> {
    // From when it was sent: when the answer comes, part of the lease is over.
    const sentAt = runtime.clock.monotonic();
    const answers = await broker.extendLeases(
      queue,
      some.map(({ leased }) => leased),
    );
    for (const [i, worker] of some.entries()) {
      if (answers[i] === "extended") worker.leaseEndsAt = sentAt + timings.leaseLimit;
      else runner.abort(worker, new LeaseLostError());
    }
  }

  async function show(): Promise<void> {
    const running = [...workers.running];
    const lag = Math.round(eventLoopLag.read().max);
    const info = { ...identity, status: status(), activeWorkerCount: running.length, lag };
    const shown = running.map((worker) => workerInfo(identity, worker));
    await broker.writeServerState(info, shown, timings.recordTtl);
  }

  return periodic("heartbeater", {
    every: timings.heartbeat,
    immediately: true,
    // Whatever becomes of the leases, the server shows itself.
    tick: async () => {
      const renewed = renewLeases();
      try {
        await engineState.call(show);
      } finally {
        await renewed;
        rollups.beat();
      }
    },
    onStop: async () => {
      eventLoopLag.stop();
      if (engineState.error !== undefined) return;
      const written = rollups.finish();
      await engineState.call(() => broker.clearServerState(identity));
      await written;
    },
    runtime,
    logger,
  });
}

function workerInfo({ host, pid, serverId }: HeartbeaterOptions["identity"], worker: Worker): WorkerInfo {
  const { message, queue, startedAt, deadline } = worker;
  return {
    host,
    pid,
    serverId,
    queue,
    taskId: message.id,
    taskType: message.type,
    taskPayload: message.payload?.subarray(0, SHOWN_PAYLOAD) ?? new Uint8Array(0),
    startTime: timestampOf(startedAt),
    deadline: Number.isFinite(deadline) ? timestampOf(deadline) : NEVER,
  };
}
