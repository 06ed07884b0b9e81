import { expect, it } from "vitest";
import type { SchedulerEntryInfo } from "../../src/index.ts";
import type { EngineState, QueueRow } from "../../src/monitor/api.ts";
import { type HealthFacts, healthOf, type QueueFacts } from "../../src/monitor/health.ts";

const NOW = 1_000_000_000;
const UP: EngineState = {
  kind: "redis",
  status: "up",
  since: 0,
  roundTrip: 1,
  problem: null,
  nextTry: null,
};

function queue(row: Partial<QueueRow> = {}, more: Partial<QueueFacts> = {}): QueueFacts {
  const counts = { size: 0, pending: 0, active: 0, scheduled: 0, retry: 0, archived: 0, completed: 0 };
  const none = { processed: 0, failed: 0 };
  return {
    row: {
      ...counts,
      queue: "low",
      paused: false,
      aggregating: 0,
      groups: 0,
      oldestAt: null,
      processedToday: 0,
      failedToday: 0,
      processedTotal: 0,
      failedTotal: 0,
      inRate: null,
      outRate: null,
      failureRate: null,
      drainsIn: null,
      priority: 1,
      servers: 1,
      ...row,
    },
    behindSince: null,
    lastMinute: none,
    hourBefore: none,
    ...more,
  };
}

function health(queues: QueueFacts[], more: Partial<HealthFacts> = {}) {
  return healthOf({
    now: NOW,
    engine: UP,
    seen: true,
    queues,
    slots: 20,
    slotsBusy: 12,
    servers: 2,
    overdue: [],
    unreadable: [],
    ...more,
  });
}

it("says in one sentence that all is well", () => {
  expect(health([queue({ pending: 1, oldestAt: NOW - 252_000 })])).toEqual({
    status: "good",
    sentence: "All good. 1 queue, 2 servers, 12 of 20 slots busy. Oldest waiting: 4 m 12 s.",
    findings: [],
  });
  expect(health([]).sentence).toBe("Nothing was enqueued yet.");
});

it("says since when the engine is away, and nothing else", () => {
  const engine: EngineState = { ...UP, status: "down", since: NOW - 5_000 };
  const found = health([queue({ pending: 9, servers: 0 })], { engine });
  expect(found).toMatchObject({ status: "bad", sentence: "The engine has been away for 5 s." });
  expect(found.findings.map(({ code }) => code)).toEqual(["engine-away"]);
});

it("misses a server only where there is work, and where servers are known", () => {
  expect(health([queue({ pending: 9, servers: 0 })]).sentence).toBe("No server serves low: 9 tasks waiting.");
  expect(health([queue({ servers: 0 })]).status).toBe("good");
  expect(health([queue({ pending: 9, servers: null })]).status).toBe("good");
});

it("finds a queue behind after two minutes, not before", () => {
  const row = { pending: 10_240, drainsIn: "never" as const };
  expect(health([queue(row, { behindSince: NOW - 119_999 })]).status).toBe("good");
  expect(health([queue(row, { behindSince: NOW - 120_000 })]).sentence).toBe(
    "low is falling behind: 10240 tasks waiting, never drains.",
  );
});

it("finds a burst of errors against the hour before, and none in a few attempts", () => {
  const at = (failed: number, processed: number, before = { processed: 1_000, failed: 10 }) =>
    health([queue({}, { lastMinute: { processed, failed }, hourBefore: before })]).status;
  expect(at(6, 100)).toBe("bad");
  expect(at(5, 100)).toBe("good");
  expect(at(6, 100, { processed: 1_000, failed: 20 })).toBe("good");
  expect(at(19, 19)).toBe("good");
});

it("takes the day for what is usual where it has not watched for long", async () => {
  const burst = (failedToday: number) =>
    health([
      queue({ processedToday: 1_100, failedToday }, { lastMinute: { processed: 100, failed: 10 } }),
    ]).findings.map(({ code }) => code);
  expect(burst(110)).toEqual([]);
  expect(burst(20)).toEqual(["error-burst"]);
});

it("names a periodic task that was missed, and says where no scheduler runs", () => {
  const info: SchedulerEntryInfo = {
    id: "e",
    spec: "@daily",
    type: "report",
    payload: undefined,
    payloadBytes: new Uint8Array(0),
    options: [],
    next: undefined,
    previous: undefined,
    stored: true,
    paused: false,
    schedulers: 0,
    queue: "low",
    definition: undefined,
  };
  const overdue = [{ info, dueAt: NOW - 120_000 }];
  expect(health([queue()], { overdue })).toEqual({
    status: "bad",
    sentence: "report was due 2 m 0 s ago, and was not enqueued: no scheduler runs.",
    findings: [
      {
        code: "missed-tick",
        level: "bad",
        queue: "low",
        entry: "e",
        text: "report was due 2 m 0 s ago, and was not enqueued: no scheduler runs.",
      },
    ],
  });
});

it("puts the worst first, and counts what it does not tell", () => {
  const found = health([
    queue({ queue: "a", paused: true, pending: 1 }),
    queue({ queue: "b", pending: 1, servers: 0 }),
    queue({ queue: "c", pending: 1, servers: 0 }),
  ]);
  expect(found.findings.map(({ queue: name }) => name)).toEqual(["b", "c", "a"]);
  expect(found.sentence).toContain("And 1 more.");
  expect(health([queue({ paused: true, pending: 1 })])).toMatchObject({
    status: "warning",
    sentence: "low is paused, with 1 task waiting.",
  });
});
