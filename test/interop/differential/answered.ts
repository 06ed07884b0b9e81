import { decodeTaskMessage } from "../../../src/protocol/codec.ts";
import { queueKeys } from "../../../src/protocol/keys.ts";
import type { Difference } from "../../engine/redis/golden-allowances.ts";
import type { Trial } from "../../engine/redis/golden-calls.ts";
import type { GoldenStore } from "../../engine/redis/golden-store.ts";
import {
  AT_THE_EDGE,
  atTheEdge,
  ENQUEUE_UNIQUE,
  isListed,
  LEFT_LOCK,
  NOT_EMPTY,
  UNLISTED,
} from "./in-both.ts";

/** A difference in what a call answers. */
export interface Answered extends Difference {
  readonly allow: (given: {
    readonly answer: unknown;
    readonly wanted: unknown;
    readonly trial: Trial;
    readonly gos: GoldenStore;
    readonly ours: GoldenStore;
  }) => boolean;
}

export const ANSWERED: readonly Answered[] = [
  {
    ...UNLISTED,
    allow: ({ wanted, trial: { queue, before } }) => wanted === "INTERNAL_ERROR" && !isListed(before, queue),
  },
  {
    ...AT_THE_EDGE,
    allow: ({ answer, wanted, trial: { queue, before, at } }) => {
      const late = atTheEdge(before, queue, at);
      const idsOf = (given: unknown) => (given as { ids: string[] }).ids;
      const missing = idsOf(wanted).filter((id) => !idsOf(answer).includes(id));
      return missing.length > 0 && missing.every((id) => late.includes(id));
    },
  },
  {
    ...LEFT_LOCK,
    allow: ({ answer, wanted, trial: { args, before, queue } }) => {
      const { id, uniqueKey } = decodeTaskMessage(Buffer.from(args.message, "hex"));
      const isGone = before[queueKeys(queue).taskPrefix + id] === undefined;
      return answer === null && wanted === "duplicate" && before[uniqueKey]?.string === id && isGone;
    },
  },
  {
    rule: "18.4: a task that holds the lock of its own second enqueueing is a conflict of ids, not a duplicate",
    asynq: "answers duplicate",
    why: "a client that repeats an enqueue whose answer was lost learns that its own task is there",
    ops: ENQUEUE_UNIQUE,
    allow: ({ answer, wanted, trial: { args, before } }) => {
      const { id, uniqueKey } = decodeTaskMessage(Buffer.from(args.message, "hex"));
      return answer === "conflict" && wanted === "duplicate" && before[uniqueKey]?.string === id;
    },
  },
  {
    rule: "11.1: a queue that is not there has no groups",
    asynq: "lists the groups that removing the queue has left",
    why: "every other call says that there is no such queue",
    ops: ["groups"],
    allow: ({ answer, trial: { queue, before } }) =>
      Array.isArray(answer) && answer.length === 0 && !isListed(before, queue),
  },
  {
    ...NOT_EMPTY,
    allow: ({ answer, wanted, trial: { queue, before } }) => {
      const { completed, groupPrefix } = queueKeys(queue);
      const uncounted = Object.keys(before).filter((key) => key === completed || key.startsWith(groupPrefix));
      return answer === "queue-not-empty" && wanted === null && uncounted.length > 0;
    },
  },
];
