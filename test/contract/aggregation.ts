import { randomUUID } from "node:crypto";
import { expect, it } from "vitest";
import type { AggregationCommit, AggregationRules, SetRef } from "../../src/broker/aggregation.ts";
import type { EnqueueEntry } from "../../src/broker/enqueue-entry.ts";
import type { TaskMessage } from "../../src/protocol/task-message.ts";
import type { EngineHarness, OpenEngine } from "./harness.ts";
import {
  archive,
  attempts,
  counts,
  done,
  enqueued,
  leasedOne,
  message,
  record,
  running,
  settled,
  stateOf,
  unique,
} from "./tasks.ts";

const HOUR = 3_600_000;
const NOW: AggregationRules = { gracePeriod: 0 };
const SECOND = 1_000;

export function aggregationContract(open: OpenEngine): void {
  // asynq's eight cases: a group of five, one a minute, and when it is aggregated.
  it.each<[string, AggregationRules, number[], number]>([
    ["an empty group", { gracePeriod: 60_000, maxDelay: HOUR, maxSize: 5 }, [], 0],
    ["the size that was reached", { gracePeriod: 300_000, maxDelay: HOUR, maxSize: 5 }, [5, 4, 3, 2, 1], 5],
    [
      "the size that was exceeded",
      { gracePeriod: 300_000, maxDelay: HOUR, maxSize: 5 },
      [7, 6, 5, 4, 3, 2, 1],
      5,
    ],
    [
      "the newest, older than the grace period",
      { gracePeriod: 60_000, maxDelay: HOUR, maxSize: 5 },
      [4, 3, 2],
      3,
    ],
    [
      "the oldest, older than the longest delay",
      { gracePeriod: 300_000, maxDelay: 600_000, maxSize: 5 },
      [15, 4, 3],
      3,
    ],
    [
      "no limit of size, the longest delay not reached",
      { gracePeriod: 300_000, maxDelay: HOUR },
      [15, 4, 3],
      0,
    ],
    [
      "no limit of size, the grace period over",
      { gracePeriod: 60_000, maxDelay: HOUR },
      [20, 10, 5, 4, 3, 2],
      6,
    ],
    ["no limit of delay", { gracePeriod: 300_000, maxSize: 5 }, [2_000, 4, 3], 0],
  ])("aggregates as asynq does by %s", async (_, rules, minutesAgo, members) => {
    const engine = await open();
    const queue = engine.queue();
    const joined = await joining(engine, queue, minutesAgo);
    const set = setOf(queue);
    const made = await engine.broker.createAggregationSet(set, rules);
    expect(made !== undefined).toBe(members > 0);
    expect(idsOf((await engine.broker.readAggregationSet(set)) ?? [])).toEqual(joined.slice(0, members));
    expect(await counts(engine, queue)).toEqual(
      joined.length > members ? { aggregating: joined.length - members } : {},
    );
  });

  it("tells of each group how many wait there, and since when", async () => {
    const engine = await open();
    const queue = engine.queue();
    expect(await allGroups(engine, queue)).toEqual([]);
    const start = engine.broker.now();
    await enqueued(engine, queue, { groupKey: "a" });
    await engine.clock.advance(10_000);
    await enqueued(engine, queue, { groupKey: "a" });
    await enqueued(engine, queue, { groupKey: "b:c" });
    const [a, b, ...others] = await allGroups(engine, queue);
    expect([a, b]).toMatchObject([
      { group: "a", size: 2 },
      { group: "b:c", size: 1 },
    ]);
    expect(others).toEqual([]);
    expect(Math.abs((a?.oldestAt ?? 0) - start)).toBeLessThan(SECOND);
    expect(Math.abs((a?.newestAt ?? 0) - start - 10_000)).toBeLessThan(SECOND);
    expect(b?.oldestAt).toBe(b?.newestAt);
  });

  it("tells of very many groups, page by page, each at least once", async () => {
    const engine = await open();
    const queue = engine.queue();
    const names = Array.from({ length: 1_200 }, (_, i) => `group-${i}`);
    await engine.broker.enqueue(names.map((groupKey) => ({ message: message(queue, { groupKey }) })));
    const first = await engine.broker.listGroups(queue);
    expect(first.groups.length).toBeLessThanOrEqual(600);
    expect(first.cursor).toBeDefined();
    const found = new Set((await allGroups(engine, queue)).map(({ group }) => group));
    expect([...found].sort()).toEqual(names.sort());
  });

  it("puts no more than 1,000 tasks into one set", async () => {
    const engine = await open();
    const queue = engine.queue();
    const entries = Array.from({ length: 1_001 }, () => ({ message: message(queue, { groupKey: "g" }) }));
    await engine.broker.enqueue(entries);
    const set = await cut(engine, queue);
    expect(await engine.broker.readAggregationSet(set)).toHaveLength(1_000);
    expect(await allGroups(engine, queue)).toMatchObject([{ group: "g", size: 1 }]);
    const rest = await cut(engine, queue);
    expect(await engine.broker.readAggregationSet(rest)).toHaveLength(1);
    expect(await allGroups(engine, queue)).toEqual([]);
  });

  it("gives a set two minutes, and the same set again to whoever asks twice", async () => {
    const engine = await open();
    const queue = engine.queue();
    await enqueued(engine, queue, { groupKey: "g" });
    const set = setOf(queue);
    const made = await engine.broker.createAggregationSet(set, NOW);
    expect(Math.abs((made?.deadline ?? 0) - engine.broker.now() - 120_000)).toBeLessThan(SECOND);
    await enqueued(engine, queue, { groupKey: "g" });
    expect(await engine.broker.createAggregationSet(set, NOW)).toEqual(made);
    expect(await engine.broker.readAggregationSet(set)).toHaveLength(1);
    expect(await allGroups(engine, queue)).toMatchObject([{ group: "g", size: 1 }]);
    await engine.broker.commitAggregation(commitOf(set, []));
  });

  it("puts the aggregate in the place of the members, and frees their locks", async () => {
    const engine = await open();
    const queue = engine.queue();
    const locked = unique(queue, "key", HOUR, { groupKey: "g" });
    await engine.broker.enqueue([locked]);
    const plain = await enqueued(engine, queue, { groupKey: "g" });
    const set = await cut(engine, queue);
    const members = await read(engine, set);
    const aggregate = message(queue, { type: "digest" });
    expect(await engine.broker.commitAggregation(commitOf(set, members, { message: aggregate }))).toEqual({
      status: "committed",
    });

    expect(await counts(engine, queue)).toEqual({ pending: 1 });
    expect(await stateOf(engine, queue, plain)).toBeUndefined();
    const [again] = await engine.broker.enqueue([unique(queue, "key")]);
    expect(again?.status).toBe("enqueued");
    const attempt = await leasedOne(engine, queue);
    expect(attempt.message).toMatchObject({ id: aggregate.id, type: "digest" });
    await settled(engine, attempt, done);
  });

  it("commits a set once: whoever comes later, or again, is told that it is gone", async () => {
    const engine = await open();
    const other = await engine.another();
    const queue = engine.queue();
    await enqueued(engine, queue, { groupKey: "g" });
    const set = await cut(engine, queue);
    const members = await read(engine, set);
    const answers = await Promise.all([
      engine.broker.commitAggregation(commitOf(set, members, { message: message(queue) })),
      other.broker.commitAggregation(commitOf(set, members, { message: message(queue) })),
    ]);
    expect(answers.map(({ status }) => status).sort()).toEqual(["committed", "gone"]);
    expect(await engine.broker.readAggregationSet(set)).toBeUndefined();
    expect(await counts(engine, queue)).toEqual({ pending: 1 });
  });

  it("returns members that nobody committed in time, each in its old place, and lists the group (J02)", async () => {
    const engine = await open();
    const queue = engine.queue();
    const early = await enqueued(engine, queue, { groupKey: "g" });
    await engine.clock.advance(5_000);
    const late = await enqueued(engine, queue, { groupKey: "g" });
    const set = await cut(engine, queue);
    const members = await read(engine, set);
    await engine.clock.advance(2_000);
    const joined = await enqueued(engine, queue, { groupKey: "g" });

    await engine.clock.advance(117_000);
    expect(await engine.broker.reclaimAggregationSets(queue)).toBe(0);
    await engine.clock.advance(3_000);
    expect(await engine.broker.reclaimAggregationSets(queue)).toBe(1);
    expect(
      await engine.broker.commitAggregation(commitOf(set, members, { message: message(queue) })),
    ).toEqual({ status: "gone" });
    expect(await allGroups(engine, queue)).toMatchObject([{ group: "g", size: 3 }]);
    expect(idsOf(await read(engine, await cut(engine, queue)))).toEqual([early, late, joined]);
  });

  it("archives a member that was rejected, with its error, and one that nobody spoke of, as it is", async () => {
    const engine = await open();
    const queue = engine.queue();
    const [bad, forgotten] = [
      await enqueued(engine, queue, { groupKey: "g" }),
      await enqueued(engine, queue, { groupKey: "g" }),
    ];
    await enqueued(engine, queue, { groupKey: "g" });
    const set = await cut(engine, queue);
    const members = await read(engine, set);
    const good = members.filter(({ id }) => id !== bad && id !== forgotten);
    const rejected = members
      .filter(({ id }) => id === bad)
      .map((each) => ({ ...each, errorMsg: "does not fit" }));
    const commit = { ...commitOf(set, good, { message: message(queue) }), rejected };
    expect((await engine.broker.commitAggregation(commit)).status).toBe("committed");

    expect(await counts(engine, queue)).toEqual({ pending: 1, archived: 2 });
    expect((await record(engine, queue, bad)).message?.errorMsg).toBe("does not fit");
    expect((await record(engine, queue, forgotten)).message?.errorMsg).toBe("");
    expect(await attempts(engine, queue)).toEqual({ processed: 2, failed: 2 });
  });

  it("returns the members of each set whose time is over, and of no other", async () => {
    const engine = await open();
    const [queue, neighbour] = [engine.queue(), engine.queue()];
    for (const [of, group] of [
      [queue, "a"],
      [queue, "b"],
      [neighbour, "a"],
    ] as const) {
      await enqueued(engine, of, { groupKey: group });
      expect(await engine.broker.createAggregationSet(setOf(of, group), NOW)).toBeDefined();
    }
    await engine.clock.advance(60_000);
    const young = await enqueued(engine, queue, { groupKey: "c" });
    const set = setOf(queue, "c");
    expect(await engine.broker.createAggregationSet(set, NOW)).toBeDefined();
    await engine.clock.advance(62_000);

    expect(await engine.broker.reclaimAggregationSets(queue)).toBe(2);
    expect((await allGroups(engine, queue)).map(({ group, size }) => [group, size])).toEqual([
      ["a", 1],
      ["b", 1],
    ]);
    expect(idsOf((await engine.broker.readAggregationSet(set)) ?? [])).toEqual([young]);
    expect(await allGroups(engine, neighbour)).toEqual([]);
  });

  it("ignores what is said of tasks that are not in the set", async () => {
    const engine = await open();
    const queue = engine.queue();
    await enqueued(engine, queue, { groupKey: "g" });
    const set = await cut(engine, queue);
    const members = await read(engine, set);
    const strangers = [message(queue), message(queue)];
    await engine.broker.enqueue(strangers.map((each) => ({ message: each })));
    const commit = commitOf(set, [...members, ...strangers.slice(0, 1)], { message: message(queue) });
    const answer = await engine.broker.commitAggregation({ ...commit, rejected: strangers.slice(1) });
    expect(answer.status).toBe("committed");
    expect(await counts(engine, queue)).toEqual({ pending: 3 });
  });

  it("takes ids and locks of the members for free", async () => {
    const engine = await open();
    const queue = engine.queue();
    const first = unique(queue, "key", HOUR, { groupKey: "g" });
    await engine.broker.enqueue([first]);
    const set = await cut(engine, queue);
    const members = await read(engine, set);
    const { id, uniqueKey } = first.message;
    const sameId = unique(queue, "key", HOUR, { id });
    expect((await engine.broker.commitAggregation(commitOf(set, members, sameId))).status).toBe("committed");
    expect(await counts(engine, queue)).toEqual({ pending: 1 });
    const [refused] = await engine.broker.enqueue([
      { message: message(queue, { uniqueKey }), uniqueTtl: HOUR },
    ]);
    expect(refused).toEqual({ status: "duplicate", holder: id });

    await settled(engine, await leasedOne(engine, queue), done);
    const second = unique(queue, "key", HOUR, { groupKey: "g" });
    await engine.broker.enqueue([second]);
    const next = await cut(engine, queue);
    const otherId = unique(queue, "key", HOUR);
    expect(
      (await engine.broker.commitAggregation(commitOf(next, await read(engine, next), otherId))).status,
    ).toBe("committed");
    const [again] = await engine.broker.enqueue([unique(queue, "key")]);
    expect(again).toEqual({ status: "duplicate", holder: otherId.message.id });
  });

  it("writes nothing where a stranger has the id or the lock of an aggregate", async () => {
    const engine = await open();
    const queue = engine.queue();
    const stranger = unique(queue, "key", HOUR);
    await engine.broker.enqueue([stranger]);
    const member = await enqueued(engine, queue, { groupKey: "g" });
    const set = await cut(engine, queue);
    const members = await read(engine, set);
    const { id } = stranger.message;
    const commit = (entry: EnqueueEntry) => engine.broker.commitAggregation(commitOf(set, members, entry));
    expect(await commit({ message: message(queue, { id }) })).toEqual({ status: "conflict", taskId: id });
    expect(await commit(unique(queue, "key"))).toEqual({ status: "duplicate", holder: id });
    expect(idsOf(await read(engine, set))).toEqual([member]);
    expect(await counts(engine, queue)).toEqual({ pending: 1 });

    await engine.clock.advance(121_000);
    expect(await engine.broker.reclaimAggregationSets(queue)).toBe(1);
    expect(await allGroups(engine, queue)).toMatchObject([{ group: "g", size: 1 }]);
  });

  it("refuses an aggregate whose id is a member's that is archived", async () => {
    const engine = await open();
    const queue = engine.queue();
    const id = await enqueued(engine, queue, { groupKey: "g" });
    const set = await cut(engine, queue);
    const answer = await engine.broker.commitAggregation(
      commitOf(set, [], { message: message(queue, { id }) }),
    );
    expect(answer).toEqual({ status: "conflict", taskId: id });
    expect(await engine.broker.readAggregationSet(set)).toHaveLength(1);
  });

  it("stores several aggregates or none, and refuses those that stand in each other's way", async () => {
    const engine = await open();
    const queue = engine.queue();
    await enqueued(engine, queue, { groupKey: "g" });
    const set = await cut(engine, queue);
    const aggregated = await read(engine, set);
    const commit = (...aggregates: EnqueueEntry[]) =>
      engine.broker.commitAggregation({ set, aggregates, aggregated, rejected: [] });
    const [one, two] = [message(queue), message(queue)];
    expect(await commit({ message: one }, { message: two }, { message: one })).toEqual({
      status: "conflict",
      taskId: one.id,
    });
    const [holder, other] = [unique(queue, "key"), unique(queue, "key")];
    expect(await commit(holder, other)).toEqual({ status: "duplicate", holder: holder.message.id });
    expect(await commit({ message: one }, { message: two })).toEqual({ status: "committed" });
    expect(await counts(engine, queue)).toEqual({ pending: 2 });

    await enqueued(engine, queue, { groupKey: "g" });
    const next = await cut(engine, queue);
    const none = { set: next, aggregates: [], aggregated: await read(engine, next), rejected: [] };
    expect(await engine.broker.commitAggregation(none)).toEqual({ status: "committed" });
    expect(await counts(engine, queue)).toEqual({ pending: 2 });
  });

  it("stores an aggregate that is delayed, in a group of its own, or in a finished task's place", async () => {
    const engine = await open();
    const queue = engine.queue();
    const attempt = await running(engine, queue);
    await settled(engine, attempt, archive(attempt));
    await enqueued(engine, queue, { groupKey: "g" });
    const set = await cut(engine, queue);
    const aggregated = await read(engine, set);
    const finished = attempt.message.id;
    const aggregates: EnqueueEntry[] = [
      { message: message(queue), processAt: engine.broker.now() + 60_000 },
      { message: message(queue, { groupKey: "day" }) },
      { message: message(queue, { id: finished }), replaceFinished: true },
    ];
    const answer = await engine.broker.commitAggregation({ set, aggregates, aggregated, rejected: [] });
    expect(answer.status).toBe("committed");
    expect(await counts(engine, queue)).toEqual({ pending: 1, scheduled: 1, aggregating: 1 });
    expect(await stateOf(engine, queue, finished)).toBe("pending");
  });

  it("shows a member of a set as aggregating, and never leases it", async () => {
    const engine = await open();
    const queue = engine.queue();
    const id = await enqueued(engine, queue, { groupKey: "g" });
    const set = await cut(engine, queue);
    expect(await stateOf(engine, queue, id)).toBe("aggregating");
    const [answer] = await engine.broker.enqueue([{ message: message(queue, { id }) }]);
    expect(answer).toEqual({ status: "conflict" });
    expect((await engine.broker.exchange(queue, [], 5)).leased).toEqual([]);
    expect(await engine.broker.readAggregationSet(set)).toHaveLength(1);
  });

  it("counts a delayed task's time in its group from when it joined, not from when it was enqueued", async () => {
    const engine = await open();
    const queue = engine.queue();
    const processAt = engine.broker.now() + 60_000;
    await enqueued(engine, queue, { groupKey: "g" }, { processAt });
    await engine.clock.advance(90_000);
    await engine.broker.forward(queue, 10);
    const [group] = await allGroups(engine, queue);
    expect(Math.abs((group?.oldestAt ?? 0) - engine.broker.now())).toBeLessThan(SECOND);
  });

  it("aggregates tasks whose group they joined late, after a delay (J03)", async () => {
    const engine = await open();
    const queue = engine.queue();
    const delayed = await enqueued(
      engine,
      queue,
      { groupKey: "g" },
      { processAt: engine.broker.now() + 5_000 },
    );
    await engine.clock.advance(6_000);
    await engine.broker.forward(queue, 10);
    expect(idsOf(await read(engine, await cut(engine, queue)))).toEqual([delayed]);
  });

  it("wakes whoever waits for new groups", async () => {
    const engine = await open();
    const queue = engine.queue();
    let woken: () => void = () => undefined;
    const watch = engine.broker.watch((_, kind) => {
      if (kind === "groups") woken();
    });
    const wakes = () =>
      new Promise<void>((resolve) => {
        woken = resolve;
        watch.arm(queue, "groups");
      });
    await enqueued(engine, queue, { groupKey: "first" });
    const news = wakes();
    // Whatever the watch says of the past, it says before this.
    await engine.broker.listGroups(queue);
    await engine.clock.advance(1_000);
    await enqueued(engine, queue, { groupKey: "second" });
    await engine.clock.advance(1_000);
    await news;
    await watch.close();
  });
}

function setOf(queue: string, group = "g"): SetRef {
  return { queue, group, id: randomUUID() };
}

/** Enqueues to the group, in this order, tasks of so many minutes ago; answers their ids, the oldest first. */
async function joining(
  engine: EngineHarness,
  queue: string,
  minutesAgo: readonly number[],
): Promise<string[]> {
  const joined: string[] = [];
  for (const [i, minutes] of minutesAgo.entries()) {
    joined.push(await enqueued(engine, queue, { groupKey: "g" }));
    await engine.clock.advance((minutes - (minutesAgo[i + 1] ?? 0)) * 60_000);
  }
  return joined;
}

/** A set of all that is in the group. */
async function cut(engine: EngineHarness, queue: string): Promise<SetRef> {
  const set = setOf(queue);
  expect(await engine.broker.createAggregationSet(set, NOW)).toBeDefined();
  return set;
}

function idsOf(members: readonly TaskMessage[]): string[] {
  return members.map(({ id }) => id);
}

async function read({ broker }: Pick<EngineHarness, "broker">, set: SetRef): Promise<TaskMessage[]> {
  const members = await broker.readAggregationSet(set);
  expect(members).toBeDefined();
  return members ?? [];
}

function commitOf(
  set: SetRef,
  aggregated: readonly TaskMessage[],
  aggregate?: EnqueueEntry,
): AggregationCommit {
  return { set, aggregates: aggregate === undefined ? [] : [aggregate], aggregated, rejected: [] };
}

async function allGroups({ broker }: Pick<EngineHarness, "broker">, queue: string) {
  const groups = [];
  for (let cursor: string | undefined, first = true; first || cursor !== undefined; first = false) {
    const page = await broker.listGroups(queue, cursor);
    groups.push(...page.groups);
    cursor = page.cursor;
  }
  return groups.sort((a, b) => (a.group < b.group ? -1 : 1));
}
