import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Client, Task, type TaskOptions } from "../../src/index.ts";
import { decodeTaskMessage } from "../../src/protocol/codec.ts";
import { queueKeys } from "../../src/protocol/keys.ts";
import { redisForFile } from "../support/redis-rig.ts";
import { counted } from "./counts.ts";
import { COMPOSED, type Stored } from "./differential/composed.ts";
import { randomFrom } from "./differential/plan.ts";
import { Peer, PeerError, type PeerTask } from "./peer.ts";

/** From a call to what is stored: random options, given to asynq's client on database 0 and to ours on database 1. */

const CALLS = 1_500;
/** Seconds that may pass from one client's call to the other's, on a busy machine. */
const APART = 5;

const redis = await redisForFile();
const gosRedis = redis.client();
const ourRedis = redis.client({ db: 1 });
const client = new Client(`${redis.url}/1`);
let peer: Peer;
beforeAll(async () => {
  peer = await Peer.start(redis.url);
});
afterAll(async () => {
  await peer.close();
  await client.close();
});

const random = randomFrom(26);
const below = (n: number) => Math.floor(random() * n);
const pick = <T>(from: readonly T[]): T => from[below(from.length)]!;
const sometimes = <T>(from: readonly T[], p = 0.3): T | undefined => (random() < p ? pick(from) : undefined);

const LENGTHS = ["1s", "1500ms", "90s", "1h30m", "24h"];
const HOUR = 3_600_000;
/** Whole seconds or not, so far from now that no clock's tick between the two clients matters. */
const instant = () => new Date(Date.now() + pick([-1, 1, 48]) * HOUR + below(1_000)).toISOString();

function options(n: number): NonNullable<PeerTask["options"]> {
  const drawn = {
    maxRetry: sometimes([-3, 0, 1, 25, 2 ** 31 - 1]),
    queue: sometimes(["default", "low", "メール", "a b", " ", "{x}"]),
    taskId: sometimes([`id-${n}`, "\t"], 0.95),
    timeout: sometimes([...LENGTHS, "0s", "20ms"]),
    deadline: sometimes([instant()]),
    unique: sometimes([...LENGTHS, "999ms"]),
    processAt: sometimes([instant()]),
    processIn: sometimes(["0s", "2h", "2h0m0.5s"], 0.2),
    retention: sometimes([...LENGTHS, "0s"]),
    group: sometimes(["g", "g:1", " ", "{g}"], 0.2),
  };
  return Object.fromEntries(Object.entries(drawn).filter(([, value]) => value !== undefined));
}

/** What a database holds of a task. */
async function stored(from: typeof gosRedis, queue: string, id: string): Promise<Stored> {
  const { taskPrefix, scheduled } = queueKeys(queue);
  const bytes = await from.hgetBuffer(taskPrefix + id, "msg");
  if (bytes === null) return { refused: true };
  const message = decodeTaskMessage(bytes);
  const score = await from.zscore(scheduled, id);
  return {
    refused: false,
    state: (await from.hget(taskPrefix + id, "state")) ?? "",
    message: { ...message, headers: Object.fromEntries(message.headers) },
    // A call later than the other, and Go's whole seconds.
    scheduledAt: score === null ? undefined : Number(score),
    lockFor: message.uniqueKey === "" ? undefined : await from.ttl(message.uniqueKey),
  };
}

/** Seconds may have passed from one call to the other, and each rounds its own way. */
function withSameSeconds(ours: Stored, gos: Stored): Stored {
  if (ours.refused || gos.refused) return ours;
  const near = (a: number | undefined, b: number | undefined) =>
    a !== undefined && b !== undefined && Math.abs(a - b) <= APART ? b : a;
  return {
    ...ours,
    scheduledAt: near(ours.scheduledAt, gos.scheduledAt),
    lockFor: near(ours.lockFor, gos.lockFor),
  };
}

describe("options of an enqueue", () => {
  it("mean what they mean in asynq, but for what is listed", async () => {
    const applied = new Set<string>();
    for (let n = 0; n < CALLS; n += 1) {
      const type = pick(["mail", "印刷", "  "]);
      const headers = sometimes([{ trace: "1" }, { a: "", "": "b" }]);
      const given = options(n);
      // No two calls mean the same lock: whether an earlier one is over by now is up to the machine.
      const own = [Buffer.from([0, 255, n & 255, n >> 8]), Buffer.from(`{"n":${n}}`)];
      const payload = pick(given.unique === undefined ? [...own, undefined] : own);
      const queue = given.queue ?? "default";
      const where = JSON.stringify({ n, type, headers, payload: payload?.toString(), given });

      const task: PeerTask = {
        type,
        options: given,
        ...(payload && { payload }),
        ...(headers && { headers }),
      };
      const gosId = await peer.enqueue(task).then(
        ({ ID }) => ID,
        (error: unknown) => {
          if (error instanceof PeerError) return "";
          throw error;
        },
      );
      const ourId = await client
        .enqueue(new Task(type, payload), { ...(given as TaskOptions), headers })
        .then(
          ({ id }) => id,
          (error: unknown) => {
            if (error instanceof Error && "code" in error) return "";
            throw error;
          },
        );
      const gos = gosId === "" ? ({ refused: true } as const) : await stored(gosRedis, queue, gosId);
      let ours = ourId === "" ? ({ refused: true } as const) : await stored(ourRedis, queue, ourId);
      if (given.taskId === undefined && !ours.refused && !gos.refused) {
        ours = { ...ours, message: { ...ours.message, id: gos.message.id } };
      }
      ours = withSameSeconds(ours, gos);
      for (const { rule, allow } of COMPOSED) {
        const mended = allow({ given, ours, gos });
        if (mended === undefined) continue;
        ours = mended;
        applied.add(rule);
      }
      expect(ours, where).toEqual(gos);
    }
    expect([...applied].sort()).toEqual(COMPOSED.map(({ rule }) => rule).sort());
    counted("operations", CALLS);
    await redis.flush();
  });
});
