import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createRedisEngine } from "../../src/engine/redis/redis-engine.ts";
import { queueKeys } from "../../src/protocol/keys.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { fakeTime, setFakeTime } from "../engine/redis/fake-time.ts";
import { clocksApart, dump, type GoldenStore } from "../engine/redis/golden-store.ts";
import { fakeRuntime } from "../support/fake-runtime.ts";
import { RedisRig } from "../support/redis-rig.ts";
import { counted } from "./counts.ts";
import { ANSWERED } from "./differential/answered.ts";
import { goSide } from "./differential/go-side.ts";
import { mend } from "./differential/mend.ts";
import { type OurSide, ourSide } from "./differential/our-side.ts";
import { Plan, type Planned } from "./differential/plan.ts";
import { STORED } from "./differential/stored.ts";
import { Peer } from "./peer.ts";

/**
 * The same random calls, through asynq's broker on database 0 and through ours on database 1; after each the two hold the
 * same, but for what `differential/differences.ts` lists. A difference that was found is then taken back in our database,
 * so that the sequence goes on from equal states: what differs later is another one.
 */

const SEQUENCES = Number(process.env["SEQUENCES"] ?? 2_000);
const FIRST = Number(process.env["SEED"] ?? 1);
const CALLS = 40;
const PART = 50;

const redis = await RedisRig.start();
const gosRedis = redis.client();
const ourRedis = redis.client({ db: 1 });
const runtime = fakeRuntime();
const engine = createRedisEngine(
  `${redis.url}/1`,
  { runtime, logger: silentLogger },
  { clockOffset: 0, scriptSource: fakeTime },
);
let peer: Peer;
beforeAll(async () => {
  peer = await Peer.start(redis.url);
});
afterAll(async () => {
  await engine.close();
  await peer.close();
  await redis.stop();
});

const tried = new Map<string, number>();
const applied = new Map<string, number>();
const count = (counts: Map<string, number>, name: string) => counts.set(name, (counts.get(name) ?? 0) + 1);

/** What only tells our attempts apart is no difference. Of an attempt that is new it is one, and is looked at. */
function withoutTokens(store: GoldenStore, queue: string, ours: OurSide, known: ReadonlySet<string>): void {
  const leases = store[queueKeys(queue).lease]?.zset ?? [];
  for (const lease of leases) {
    const [id, score] = lease;
    if (!known.has(id) || Number(score) % 1 !== ours.fraction(queue, id)) continue;
    lease[1] = String(Math.floor(Number(score)));
  }
  leases.sort(([a, scoreOfA], [b, scoreOfB]) => Number(scoreOfA) - Number(scoreOfB) || (a < b ? -1 : 1));
}

const held = (store: GoldenStore, queue: string) => new Set(store[queueKeys(queue).active]?.list);
const QUEUES = ["default", "low"];

async function step(
  planned: Planned,
  before: GoldenStore,
  ask: ReturnType<typeof goSide>,
  ours: OurSide,
  where: string,
): Promise<GoldenStore> {
  const { op, queue, at, args } = planned;
  count(tried, op);
  const step = { op, now: new Date(at).toISOString(), ...(await ask(planned)) };
  // Go draws the ids of sets; ours are handed in.
  const setId = op === "aggregationCheck" ? (step.result as { setId: string } | undefined)?.setId : undefined;
  const trialArgs = setId === undefined ? args : { ...args, setId };
  runtime.clock.setWall(at);
  await setFakeTime(ourRedis, at);
  const trial = {
    queue,
    args: trialArgs,
    now: Math.floor(at / 1_000),
    at,
    before,
    step: { ...step, args: trialArgs, after: {} },
  };
  const known = new Map(QUEUES.map((each) => [each, held(before, each)]));
  const answer = (await ours.calls[op]!(trial)) ?? null;
  const wanted = step.error ?? step.result ?? null;
  const gos = await dump(gosRedis);
  const stored = await dump(ourRedis);
  if (JSON.stringify(answer) !== JSON.stringify(wanted)) {
    const difference = ANSWERED.find(
      ({ ops, allow }) => ops.includes(op) && allow({ answer, wanted, trial, gos, ours: stored }),
    );
    if (difference === undefined) expect(answer, where).toEqual(wanted);
    else count(applied, difference.rule);
  }
  for (const each of QUEUES) withoutTokens(stored, each, ours, known.get(each) ?? new Set());
  clocksApart(stored, gos);
  if (JSON.stringify(stored) === JSON.stringify(gos)) return gos;
  const allowed = structuredClone(stored);
  for (const { rule, ops, allow } of STORED) {
    if (ops.includes(op) && allow({ op, queue, now: at, before, ours: allowed, gos })) count(applied, rule);
  }
  expect(allowed, where).toEqual(gos);
  await mend(ourRedis, gosRedis, stored, gos, ours);
  return gos;
}

describe("the same calls through asynq's broker and through ours", () => {
  const parts = Array.from({ length: Math.ceil(SEQUENCES / PART) }, (_, i) => FIRST + i * PART);

  it.each(parts)(
    "leave the same: sequences from %i",
    async (first) => {
      const ask = goSide(peer);
      for (let seed = first; seed < Math.min(first + PART, FIRST + SEQUENCES); seed += 1) {
        await redis.flush();
        await peer.ask("renew");
        const plan = new Plan(seed);
        const ours = ourSide(engine);
        let gos: GoldenStore = {};
        for (let call = 0; call < CALLS; call += 1) {
          const planned = plan.next(gos);
          const where = `SEED=${seed} SEQUENCES=1, call ${call}: ${planned.op} at ${planned.at} of ${planned.queue} with ${JSON.stringify(planned.args)}`;
          gos = await step(planned, gos, ask, ours, where);
        }
        counted("sequences");
        counted("operations", CALLS);
      }
    },
    120_000,
  );

  it("made every call that there is, and needed every difference", () => {
    expect([...tried.keys()].sort()).toEqual(Object.keys(ourSide(engine).calls).sort());
    const rules = new Set([...ANSWERED, ...STORED].map(({ rule }) => rule));
    expect([...applied.keys()].sort()).toEqual([...rules].sort());
  });
});
