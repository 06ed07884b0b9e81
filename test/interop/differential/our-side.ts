import type { Leased, Settlement } from "../../../src/broker/broker.ts";
import type { Engine } from "../../../src/broker/engine.ts";
import { leaseOf } from "../../../src/engine/redis/lease-token.ts";
import {
  decodeSchedulerEnqueueEvent,
  decodeSchedulerEntry,
  encodeSchedulerEnqueueEvent,
  encodeSchedulerEntry,
  encodeServerInfo,
  encodeWorkerInfo,
} from "../../../src/protocol/codec.ts";
import { type Call, callsOn, type Trial } from "../../engine/redis/golden-calls.ts";
import type { MoreArgs } from "./plan.ts";

export interface OurSide {
  readonly calls: Readonly<Record<string, Call>>;
  /** The fraction in the lease's score of every attempt that we hold. */
  fraction(queue: string, id: string): number | undefined;
}

const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const bytesOf = (hex: string) => Buffer.from(hex, "hex");

/** Our engine, asked in the words of the golden vectors, and some more. */
export function ourSide(engine: Engine): OurSide {
  const { broker, inspection, schedules } = engine;
  const attempts = new Map<string, Leased>();
  const nameOf = (queue: string, id: string) => `${queue}\n${id}`;
  const held = ({ queue }: Trial, id: string): Leased => {
    const leased = attempts.get(nameOf(queue, id));
    if (leased === undefined) throw new Error(`nobody holds ${id} of ${queue}`);
    return leased;
  };
  const more = ({ args }: Trial) => args as MoreArgs;

  const calls: Record<string, Call> = {
    ...callsOn(engine, {
      held,
      taken: (queue, leased) => attempts.set(nameOf(queue, leased.message.id), leased),
    }),
    recover: async ({ queue, args, now }) => {
      const expired = await broker.listExpired(queue, 100);
      const recoveries = expired.map((lease) => {
        const { message } = lease;
        const { retried, retry } = message;
        const failed = { ...message, errorMsg: args.errorText, lastFailedAt: now };
        const settlement: Extract<Settlement, { kind: "retry" | "archive" }> =
          retried >= retry
            ? { kind: "archive", message: failed }
            : {
                kind: "retry",
                message: { ...failed, retried: retried + 1 },
                retryAt: args.retryAt * 1_000,
                isFailure: true,
              };
        return { expired: lease, settlement };
      });
      const answers = await broker.recover(queue, recoveries);
      return answers.every((answer) => answer === "settled") ? undefined : answers;
    },
    listServers: async () => {
      const found = await inspection.servers();
      return {
        servers: found.map(({ info }) => hexOf(encodeServerInfo(info))).sort(),
        workers: found.flatMap(({ workers }) => workers.map((each) => hexOf(encodeWorkerInfo(each)))).sort(),
      };
    },
    writeEntries: async (trial) => {
      const { schedulerId, entries, ttl } = more(trial);
      await schedules.writeEntries(
        schedulerId,
        entries.map((entry) => decodeSchedulerEntry(bytesOf(entry))),
        ttl * 1_000,
      );
    },
    clearEntries: (trial) => schedules.clearEntries(more(trial).schedulerId),
    listEntries: async () =>
      (await schedules.listEntries()).map((entry) => hexOf(encodeSchedulerEntry(entry))).sort(),
    recordEvent: async (trial) => {
      const { entryId, event } = more(trial);
      await schedules.recordEvent(entryId, decodeSchedulerEnqueueEvent(bytesOf(event)));
    },
    listEvents: async (trial) => {
      const { entryId, page, size } = more(trial);
      const events = await schedules.listEvents(entryId, { page, size });
      return events.map((event) => hexOf(encodeSchedulerEnqueueEvent(event)));
    },
    removeQueue: async ({ queue }) => {
      if ((await inspection.queueInfo(queue)) === undefined) return "NOT_FOUND";
      for (let cursor: string | undefined; ; ) {
        const step = await inspection.removeQueue(queue, cursor);
        if (step.status === "removed") return undefined;
        if (step.status === "not-empty") return "queue-not-empty";
        cursor = step.cursor;
      }
    },
    queues: async () => (await inspection.queues()).sort(),
    history: async (trial) => {
      const days = await inspection.history(trial.queue, more(trial).days);
      return (
        days?.map(({ processed, failed, day }) => ({
          processed,
          failed,
          day: new Date(day).toISOString().slice(0, 10),
        })) ?? "NOT_FOUND"
      );
    },
  };

  return {
    calls,
    fraction: (queue, id) => {
      const leased = attempts.get(nameOf(queue, id));
      return leased && Number(leaseOf(leased).score) % 1;
    },
  };
}
