import { describe, expect, it } from "vitest";
import * as keys from "../../src/protocol/keys.ts";
import { uniqueKey } from "../../src/protocol/unique-key.ts";
import { golden } from "../support/golden.ts";

interface GoKeys {
  readonly allQueues: string;
  readonly allServers: string;
  readonly allWorkers: string;
  readonly allSchedulers: string;
  readonly cancelChannel: string;
  readonly queues: readonly { readonly queue: string }[];
  readonly unique: readonly {
    queue: string;
    type: string;
    payload: string;
    payloadHex?: string;
    key: string;
  }[];
}

const go = golden<GoKeys>("keys.json");
const LEAP_DAY = Date.UTC(2024, 1, 29, 23, 59, 59, 999);

it("names the keys that all queues share", () => {
  expect(keys.ALL_QUEUES).toBe(go.allQueues);
  expect(keys.ALL_SERVERS).toBe(go.allServers);
  expect(keys.ALL_WORKERS).toBe(go.allWorkers);
  expect(keys.ALL_SCHEDULERS).toBe(go.allSchedulers);
  expect(keys.CANCEL_CHANNEL).toBe(go.cancelChannel);
});

describe.each(go.queues.map((row) => [row.queue, row] as const))("queue %s", (queue, row) => {
  it("has every key that Go gives it", () => {
    const of = keys.queueKeys(queue);
    const ours = {
      queue,
      prefix: `asynq:{${queue}}:`,
      pending: of.pending,
      active: of.active,
      lease: of.lease,
      scheduled: of.scheduled,
      retry: of.retry,
      archived: of.archived,
      completed: of.completed,
      paused: of.paused,
      processedTotal: of.processed,
      failedTotal: of.failed,
      groups: of.groups,
      aggregationSets: of.aggregationSets,
      task: keys.taskKey(queue, "ID"),
      "group digest:42": keys.groupKey(queue, "digest:42"),
      "set SETID of group digest:42": keys.aggregationSetKey(queue, "digest:42", "SETID"),
      "processed 2024-02-29": keys.processedKey(queue, LEAP_DAY),
      "failed 2024-02-29": keys.failedKey(queue, LEAP_DAY),
    };
    expect(ours).toEqual(row);
  });

  it("keeps our own keys out of asynq's names and in the queue's slot", () => {
    const { due, aggs } = keys.queueKeys(queue);
    expect([due, aggs, keys.tickKey(queue, "e")]).toEqual([
      `tq:{${queue}}:due`,
      `tq:{${queue}}:aggs`,
      `tq:{${queue}}:tick:e`,
    ]);
  });
});

it("answers the same object for the same queue, and stays right when very many queues are asked for", () => {
  expect(keys.queueKeys("default")).toBe(keys.queueKeys("default"));
  for (let i = 0; i < 3_000; i++) expect(keys.queueKeys(`q${i}`).pending).toBe(`asynq:{q${i}}:pending`);
  expect(keys.queueKeys("default").due).toBe("tq:{default}:due");
});

it.each(go.unique)("unique key of queue $queue, type $type, $payload payload", (row) => {
  const payload = row.payloadHex === undefined ? undefined : Buffer.from(row.payloadHex, "hex");
  expect(uniqueKey(row.queue, row.type, payload)).toBe(row.key);
});

describe("records", () => {
  const records = golden<{
    servers: { fields: { host: string; pid: number; server_id: string }; key: string; workersKey: string }[];
    schedulerEntries: { fields: { id: string }; historyKey: string }[];
    schedulerEntriesKey: string;
  }>("records.json");

  it.each(records.servers)("$key", ({ fields: { host, pid, server_id: serverId }, key, workersKey }) => {
    expect(keys.serverKey({ host, pid, serverId })).toBe(key);
    expect(keys.workersKey({ host, pid, serverId })).toBe(workersKey);
  });

  it.each(records.schedulerEntries)("$historyKey", ({ fields, historyKey }) => {
    expect(keys.schedulerHistoryKey(fields.id)).toBe(historyKey);
  });

  it("names a scheduler's entries by its id", () => {
    const id = "host1:4242:aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";
    expect(keys.schedulerEntriesKey(id)).toBe(records.schedulerEntriesKey);
  });
});
