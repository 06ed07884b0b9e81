import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import type { Leased } from "../../../src/broker/broker.ts";
import { Lease, leasedAs } from "../../../src/engine/redis/lease-token.ts";
import { createRedisEngine } from "../../../src/engine/redis/redis-engine.ts";
import { decodeTaskMessage } from "../../../src/protocol/codec.ts";
import { queueKeys } from "../../../src/protocol/keys.ts";
import { silentLogger } from "../../../src/runtime/logger.ts";
import { fakeRuntime } from "../../support/fake-runtime.ts";
import { redisForFile } from "../../support/redis-rig.ts";
import { fakeTime } from "./fake-time.ts";
import { ALLOWANCES } from "./golden-allowances.ts";
import { type Args, callsOn, type Step, type Trial } from "./golden-calls.ts";
import { clocksApart, dump, type GoldenStore, load } from "./golden-store.ts";

/**
 * What the Go module did with a Redis, step by step, tried on our scripts: the state before a step is written, its
 * call made, and the whole Redis compared. Where our rules differ on purpose, an allowance says so.
 */

interface Sequence {
  readonly seed: number;
  readonly queue: string;
  readonly steps: readonly Step[];
}

const sequences: Sequence[] = gunzipSync(
  readFileSync(new URL("../../golden/transitions.jsonl.gz", import.meta.url)),
)
  .toString()
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line));

const redis = await redisForFile();
const client = redis.client();
const runtime = fakeRuntime();
const engine = createRedisEngine(
  redis.url,
  { runtime, logger: silentLogger },
  { clockOffset: 0, scriptSource: fakeTime },
);
afterAll(() => engine.close());

/** Go's leases have no fraction. The attempts that we hold get this one. */
const FRACTION = 7 / 2 ** 20;

function withFraction(store: GoldenStore, queue: string): GoldenStore {
  const { lease } = queueKeys(queue);
  const leases = store[lease]?.zset;
  if (leases === undefined) return store;
  return { ...store, [lease]: { zset: leases.map(([id, score]) => [id, String(Number(score) + FRACTION)]) } };
}

function withoutFraction(store: GoldenStore, queue: string): GoldenStore {
  for (const lease of store[queueKeys(queue).lease]?.zset ?? []) {
    if (Number(lease[1]) % 1 === FRACTION) lease[1] = String(Math.floor(Number(lease[1])));
  }
  return store;
}

/** The attempt at a task that we hold in the state before. */
function held({ queue, before }: Trial, id: string): Leased {
  const { lease, taskPrefix } = queueKeys(queue);
  const bytes = Buffer.from(before[taskPrefix + id]?.hash?.["msg"] ?? "", "hex");
  const score = before[lease]?.zset?.find(([member]) => member === id)?.[1];
  return leasedAs(decodeTaskMessage(bytes), new Lease(String(Number(score) + FRACTION), 1, bytes));
}

const calls = callsOn(engine, { held });

const applied = new Map<string, number>();
const tried = new Map<string, number>();
const count = (counts: Map<string, number>, name: string) => counts.set(name, (counts.get(name) ?? 0) + 1);

describe("golden transitions", () => {
  it.each(sequences.map((sequence) => [sequence.seed, sequence] as const))(
    "does as Go does: sequence %i",
    async (_, { queue, steps }) => {
      let before: GoldenStore = {};
      for (const [index, step] of steps.entries()) {
        const call = calls[step.op];
        if (call !== undefined) {
          count(tried, step.op);
          const at = `step ${index}, ${step.op}`;
          const now = Date.parse(step.now);
          runtime.clock.setWall(now);
          await load(client, withFraction(before, queue), now);
          const trial = {
            queue,
            args: step.args ?? ({} as Args),
            now: Math.floor(now / 1_000),
            at: now,
            before,
            step,
          };
          expect((await call(trial)) ?? null, at).toEqual(step.error ?? step.result ?? null);
          const gos = step.after;
          const ours = clocksApart(withoutFraction(await dump(client), queue), gos);
          for (const { rule, ops, allow } of ALLOWANCES) {
            if (ops.includes(step.op) && allow({ op: step.op, queue, now, before, ours, gos }))
              count(applied, rule);
          }
          expect(ours, at).toEqual(gos);
        }
        before = step.after;
      }
      // Leases of Go's year 2030 are no state that this Redis should be in.
      await client.flushall();
    },
  );

  it("tried every call that there is, and needed every allowance", () => {
    expect([...tried.keys()].sort()).toEqual(Object.keys(calls).sort());
    expect([...applied.keys()].sort()).toEqual(ALLOWANCES.map(({ rule }) => rule).sort());
  });
});
