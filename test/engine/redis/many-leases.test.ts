import { describe, expect, it } from "vitest";
import type { Leased, Outcome, OutcomeAnswer, Settlement } from "../../../src/broker/broker.ts";
import { queueKeys } from "../../../src/protocol/keys.ts";
import {
  archive,
  attempts,
  complete,
  counts,
  done,
  ids,
  leased,
  message,
  requeue,
  retry,
} from "../../contract/tasks.ts";
import { redisForFile } from "../../support/redis-rig.ts";
import { harnessesOn, type RedisHarness } from "./harness.ts";

const redis = await redisForFile();
const open = harnessesOn(redis);

const q = "default";
const keys = queueKeys(q);
/** As many outcomes as travel in one call. */
const MANY = 500;
const PART = 1 / 2 ** 20;

/** What became of a lease before its outcome comes, and how that is then answered. */
interface Fate {
  readonly answer: OutcomeAnswer;
  readonly befall: (engine: RedisHarness, attempt: Leased) => Promise<unknown>;
}

const scoreOf = async ({ client }: RedisHarness, { message }: Leased) =>
  Number(await client.zscore(keys.lease, message.id));
const write = async (engine: RedisHarness, attempt: Leased, more: number) =>
  engine.client.zadd(keys.lease, (await scoreOf(engine, attempt)) + more, attempt.message.id);

const fates: readonly Fate[] = [
  { answer: "settled", befall: async () => undefined },
  { answer: "settled", befall: ({ broker }, attempt) => broker.extendLeases(q, [attempt]) },
  // Extended, and the answer was lost.
  { answer: "settled", befall: (engine, attempt) => write(engine, attempt, 2) },
  { answer: "settled", befall: ({ client }, { message }) => client.zrem(keys.lease, message.id) },
  // Somebody else has the task.
  { answer: "fenced", befall: (engine, attempt) => write(engine, attempt, 300_000 * PART) },
  {
    answer: "gone",
    befall: ({ broker }, attempt) => broker.exchange(q, [{ leased: attempt, settlement: done }], 0),
  },
];

describe("very many outcomes in one exchange", () => {
  for (const [what, sizes] of [
    ["each of a lease of its own", [1]],
    ["of leases that few and many tasks share", [1, 7, 8, 9, 2, 60]],
  ] as const) {
    it(`are each answered for themselves, ${what}`, async () => {
      const engine = await open();
      const tasks = Array.from({ length: MANY }, () => ({ message: message(q) }));
      for (let from = 0; from < MANY; from += 100) {
        await engine.broker.enqueue(tasks.slice(from, from + 100));
      }
      const all: Leased[] = [];
      for (let i = 0; all.length < MANY; i += 1) {
        const size = sizes[i % sizes.length] ?? 1;
        all.push(...(await leased(engine, q, Math.min(size, MANY - all.length))));
      }
      expect(ids(all)).toEqual(ids(tasks));

      const now = engine.broker.now();
      const kinds: readonly ((attempt: Leased) => Settlement)[] = [
        () => done,
        (attempt) => complete(attempt, now + 60_000),
        (attempt) => retry(attempt, now + 60_000),
        archive,
        () => requeue,
      ];
      const fateOf = (i: number) => fates[(i * 7 + (i >> 5)) % fates.length] as Fate;
      const outcomes = all.map((attempt, i): Outcome => {
        const settlement = (kinds[i % kinds.length] as (typeof kinds)[number])(attempt);
        return { leased: attempt, settlement };
      });
      for (const [i, attempt] of all.entries()) await fateOf(i).befall(engine, attempt);
      const before = await attempts(engine, q);

      const order = all.map((_, i) => (i * 313) % MANY);
      const { answers } = await engine.broker.exchange(
        q,
        order.map((i) => outcomes[i] as Outcome),
        0,
      );
      expect(answers).toEqual(order.map((i) => fateOf(i).answer));

      const ended = (kind: string) =>
        outcomes.filter(({ settlement }, i) => settlement.kind === kind && fateOf(i).answer === "settled")
          .length;
      const fenced = outcomes.filter((_, i) => fateOf(i).answer === "fenced").length;
      const [completed, retried, archived] = [ended("complete"), ended("retry"), ended("archive")];
      expect(await counts(engine, q)).toEqual({
        ...{ completed, retry: retried, archived, pending: ended("requeue"), active: fenced },
      });
      const after = await attempts(engine, q);
      expect(after.failed - before.failed).toBe(retried + archived);
      expect(after.processed - before.processed).toBe(ended("done") + completed + retried + archived);
    });
  }
});
