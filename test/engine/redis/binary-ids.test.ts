import { expect, it } from "vitest";
import { encodeTaskMessage } from "../../../src/protocol/codec.ts";
import { queueKeys } from "../../../src/protocol/keys.ts";
import { done, enqueued, ids, leasedOne, message, running, settled } from "../../contract/tasks.ts";
import { redisForFile } from "../../support/redis-rig.ts";
import { harnessesOn, type RedisHarness } from "./harness.ts";

/** Ids that are no text: a foreign program wrote them, and no message can name them. */

const redis = await redisForFile();
const open = harnessesOn(redis);

const q = "default";
const keys = queueKeys(q);
const IDS = ["bad-\xff", "\xc3", "\x80\x81\x82", "bad-\xed\xa0\x80"].map((id) => Buffer.from(id, "latin1"));
const NOISE = Buffer.from([0x0a, 0xff, 0x01, 0x41]);

const hashOf = (id: Buffer) => Buffer.concat([Buffer.from(keys.taskPrefix), id]);

async function injectPending({ client }: RedisHarness, id: Buffer, bytes: Buffer): Promise<void> {
  await client.hset(hashOf(id), "msg", bytes, "state", "pending");
  await client.lpush(keys.pending, id);
}

/** As of a server that leased it and died a minute ago. */
async function injectActive({ client, clock }: RedisHarness, id: Buffer, bytes: Buffer): Promise<void> {
  await client.hset(hashOf(id), "msg", bytes, "state", "active");
  await client.lpush(keys.active, id);
  await client.zadd(keys.lease, Math.floor(clock.now() / 1_000) - 60, id);
}

/** Where this id is, and what is stored for it. */
async function found({ client }: RedisHarness, id: Buffer) {
  const [bytes, state] = await client.hmgetBuffer(hashOf(id), "msg", "state");
  return {
    bytes,
    state: String(state),
    archived: (await client.zscore(keys.archived, id)) !== null,
    leased: (await client.zscore(keys.lease, id)) !== null,
    listed: (await client.lpos(keys.active, id)) !== null || (await client.lpos(keys.pending, id)) !== null,
  };
}

const quarantined = (bytes: Buffer) => ({
  bytes,
  state: "archived",
  archived: true,
  leased: false,
  listed: false,
});

it("archives pending tasks whose id is no text, and leases those behind them", async () => {
  const engine = await open();
  for (const id of IDS) await injectPending(engine, id, NOISE);
  const sound = await enqueued(engine, q);

  const result = await engine.broker.exchange(q, [], 10);
  expect(ids(result.leased)).toEqual([sound]);
  expect(result.quarantined).toEqual(IDS.map(String));
  for (const id of IDS) expect(await found(engine, id)).toEqual(quarantined(NOISE));
  await engine.client.flushall();
});

it("archives expired tasks whose id is no text, once, and lists their neighbours", async () => {
  const engine = await open();
  for (const id of IDS) await injectActive(engine, id, NOISE);
  const sound = (await running(engine, q)).message.id;
  await engine.clock.advance(62_000);

  // As many as are listed in one call: if they stayed, nothing behind them would ever be listed.
  expect(await engine.broker.listExpired(q, IDS.length)).toEqual([]);
  for (const id of IDS) expect(await found(engine, id)).toEqual(quarantined(NOISE));
  expect(ids(await engine.broker.listExpired(q, IDS.length))).toEqual([sound]);
  await engine.client.flushall();
});

it("takes no id that is no text for the text that it is shown as", async () => {
  const engine = await open();
  const id = Buffer.from("bad-\xff", "latin1");
  const bytes = encodeTaskMessage(message(q, { id: String(id) }));
  await injectPending(engine, id, bytes);
  expect((await engine.broker.exchange(q, [], 10)).leased).toEqual([]);
  expect(await found(engine, id)).toEqual(quarantined(bytes));

  await injectActive(engine, id, bytes);
  expect(await engine.broker.listExpired(q, 10)).toEqual([]);
  expect(await found(engine, id)).toEqual(quarantined(bytes));
  await engine.client.flushall();
});

it("runs a task whose id holds the sign for what is no text", async () => {
  const engine = await open();
  await enqueued(engine, q, { id: "odd-\ufffd" });
  expect(await settled(engine, await leasedOne(engine, q), done)).toBe("settled");
});
