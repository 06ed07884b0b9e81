import { expect, it } from "vitest";
import type { TaskState } from "../../src/broker/inspection.ts";
import { Client } from "../../src/client/client.ts";
import {
  DuplicateTaskError,
  FilterInvalidError,
  InvalidOptionError,
  QueueActiveError,
  QueueNotEmptyError,
  QueueNotFoundError,
  TaskActiveError,
  TaskNotFoundError,
  TaskStateError,
} from "../../src/errors.ts";
import { Inspector } from "../../src/inspector/inspector.ts";
import type { Progress } from "../../src/inspector/progress.ts";
import { Task } from "../../src/task.ts";
import type { EngineHarness, OpenEngine } from "./harness.ts";
import { oneOfEach } from "./inspection.ts";
import { archive, counts, enqueued, message, running, settled, stateOf } from "./tasks.ts";

const operable: readonly TaskState[] = [
  "pending",
  "scheduled",
  "retry",
  "archived",
  "completed",
  "aggregating",
];

/** What is done to all tasks of a state, and which states admit it. */
const verbs: Readonly<Record<"runAll" | "archiveAll" | "deleteAll", readonly TaskState[]>> = {
  runAll: ["scheduled", "retry", "archived", "aggregating"],
  archiveAll: ["pending", "scheduled", "retry", "aggregating"],
  deleteAll: operable,
};

/** What an operator does, through the Inspector. */
export function operatorContract(open: OpenEngine): void {
  async function opened(): Promise<{ engine: EngineHarness; queue: string; inspector: Inspector }> {
    const engine = await open();
    return { engine, queue: engine.queue(), inspector: new Inspector(engine.engine) };
  }

  /** Archived tasks with payloads `{ n }`, of two types. */
  async function archivedTasks(
    { broker, inspection }: EngineHarness,
    queue: string,
    count: number,
  ): Promise<string[]> {
    const messages = Array.from({ length: count }, (_, n) =>
      message(queue, { type: n % 2 === 0 ? "even" : "odd", payload: Buffer.from(JSON.stringify({ n })) }),
    );
    await broker.enqueue(messages.map((message) => ({ message })));
    const ids = messages.map(({ id }) => id);
    await inspection.changeTasks(queue, "archive", ids);
    return ids;
  }

  it("says why a task cannot be changed", async () => {
    const { engine, queue, inspector } = await opened();
    const tasks = await oneOfEach(engine, queue);
    const ref = (id: string) => ({ queue, id });
    await expect(inspector.runTask(ref("none"))).rejects.toBeInstanceOf(TaskNotFoundError);
    await expect(inspector.deleteTask(ref(tasks.active))).rejects.toBeInstanceOf(TaskActiveError);
    await expect(inspector.runTask(ref(tasks.pending))).rejects.toBeInstanceOf(TaskStateError);
    await expect(inspector.archiveTask(ref(tasks.archived))).rejects.toBeInstanceOf(TaskStateError);
    await expect(inspector.runTask({ queue: "", id: "a" })).rejects.toBeInstanceOf(InvalidOptionError);
    await inspector.runTask(await inspector.getTaskInfo(ref(tasks.archived)));
    expect(await stateOf(engine, queue, tasks.archived)).toBe("pending");
  });

  it("knows no queue and no task that is not there, whatever is asked of it", async () => {
    const { engine, queue, inspector } = await opened();
    await enqueued(engine, queue);
    for (const state of ["active", ...operable] as const) {
      const group = state === "aggregating" ? { group: "g" } : {};
      await expect(inspector.listTasks("nowhere", state, group)).rejects.toBeInstanceOf(QueueNotFoundError);
      for (const [verb, states] of Object.entries(verbs)) {
        if (!states.includes(state)) continue;
        const call = inspector[verb as keyof typeof verbs]("nowhere", state as never, group);
        await expect(call).rejects.toBeInstanceOf(QueueNotFoundError);
      }
    }
    for (const call of ["getTaskInfo", "runTask", "archiveTask", "deleteTask"] as const) {
      for (const ref of [
        { queue, id: "none" },
        { queue: "nowhere", id: "none" },
      ]) {
        const asked = inspector[call](ref);
        await expect(asked).rejects.toBeInstanceOf(TaskNotFoundError);
        await expect(asked).rejects.toMatchObject({ queue: ref.queue, taskId: "none" });
      }
    }
    expect(await inspector.queues()).toEqual([queue]);
  });

  it("changes lists of tasks of many queues, and answers each in its place", async () => {
    const { engine, queue, inspector } = await opened();
    const other = engine.queue();
    const [a, b] = [await enqueued(engine, queue), await enqueued(engine, other)];
    const refs = [
      { queue: other, id: b },
      { queue, id: "none" },
      { queue, id: a },
      { queue: "nowhere", id: a },
    ];
    const results = await inspector.archiveTasks(refs);
    expect(results.map(({ ok }) => ok)).toEqual([true, false, true, false]);
    expect(results.map(({ task }) => task)).toEqual(refs);
    expect(results[1]).toMatchObject({ error: { code: "TASK_NOT_FOUND" } });
    expect(await inspector.archiveTasks([])).toEqual([]);
  });

  it("changes all of a state in one queue, for each state that admits it", async () => {
    for (const [verb, states] of Object.entries(verbs) as [keyof typeof verbs, readonly TaskState[]][]) {
      for (const state of ["active", ...operable] as const) {
        const { engine, queue, inspector } = await opened();
        const neighbour = engine.queue();
        await oneOfEach(engine, neighbour);
        const tasks = await oneOfEach(engine, queue);
        const before = await counts(engine, neighbour);
        const options = state === "aggregating" ? { group: "g" } : {};
        const call = inspector[verb](queue, state as never, options);
        if (!states.includes(state)) {
          await expect(call).rejects.toMatchObject({ code: "INVALID_OPTION", option: "state" });
          continue;
        }
        expect(await call).toEqual({ changed: 1, total: 1, stopped: false });
        const wanted = { runAll: "pending", archiveAll: "archived", deleteAll: undefined }[verb];
        expect(await stateOf(engine, queue, tasks[state])).toBe(wanted);
        expect(await counts(engine, neighbour)).toEqual(before);
      }
    }
  });

  it("changes no more than there were, tells how far it is, and stops when told to", async () => {
    const { engine, queue, inspector } = await opened();
    await archivedTasks(engine, queue, 700);
    const seen: Progress[] = [];
    const stop = new AbortController();
    const stopped = await inspector.deleteAll(queue, "archived", {
      signal: stop.signal,
      onProgress: (progress) => {
        seen.push(progress);
        stop.abort();
      },
    });
    expect(stopped).toMatchObject({ total: 700, stopped: true });
    expect(seen).toEqual([{ done: stopped.changed, total: 700 }]);
    expect(stopped.changed).toBeLessThan(700);

    // Others go on archiving: theirs stay.
    const late: Promise<unknown>[] = [];
    const rest = await inspector.deleteAll(queue, "archived", {
      onProgress: () => late.push(archivedTasks(engine, queue, 10)),
    });
    await Promise.all(late);
    expect(rest).toEqual({ changed: 700 - stopped.changed, total: 700 - stopped.changed, stopped: false });
    expect(await counts(engine, queue)).toEqual({ archived: 10 * late.length });
  });

  it("refuses an unknown queue, and options that mean nothing", async () => {
    const { inspector, engine, queue } = await opened();
    await expect(inspector.runAll("nowhere", "archived")).rejects.toBeInstanceOf(QueueNotFoundError);
    await expect(inspector.history("nowhere", 1)).rejects.toBeInstanceOf(QueueNotFoundError);
    await expect(inspector.groups("nowhere")).rejects.toBeInstanceOf(QueueNotFoundError);
    await expect(inspector.getMemoryUsage("nowhere")).rejects.toBeInstanceOf(QueueNotFoundError);
    await expect(inspector.deleteQueue("nowhere")).rejects.toBeInstanceOf(QueueNotFoundError);
    await expect(inspector.search("", { queues: ["nowhere"] })).rejects.toBeInstanceOf(QueueNotFoundError);
    await enqueued(engine, queue);
    for (const call of [
      () => inspector.history(queue, 0),
      () => inspector.history(queue, 91),
      () => inspector.runAll(queue, "aggregating"),
      () => inspector.runAll(queue, "retry", { group: "g" }),
      () => inspector.deleteAll(queue, "retry", { rate: 0 }),
      () => inspector.search("", { limit: 0 }),
      () => inspector.search("", { limit: 1e9 }),
      () => inspector.search("", { cursor: "nonsense" }),
      () => inspector.search("", { states: ["gone" as TaskState] }),
      () => inspector.runMatching("", { states: ["pending"] }),
      () => inspector.redrive(queue, { limit: -1 }),
      () => inspector.cancelTask({ queue, id: "a" }, { then: "explode" as "retry" }),
    ]) {
      await expect(call()).rejects.toBeInstanceOf(InvalidOptionError);
    }
    await expect(inspector.search("tpe:a")).rejects.toBeInstanceOf(FilterInvalidError);
    expect(await counts(engine, queue)).toEqual({ pending: 1 });
  });

  it("cancels a task in whichever state it is", async () => {
    const { engine, queue, inspector } = await opened();
    const tasks = await oneOfEach(engine, queue);
    let hear: (id: string) => void = () => undefined;
    const heard = new Promise<string>((resolve) => {
      hear = resolve;
    });
    const end = await engine.broker.subscribeCancelations(hear);
    const answers: Record<string, string> = {};
    for (const [state, id] of Object.entries(tasks))
      answers[state] = await inspector.cancelTask({ queue, id });
    expect(answers).toEqual({
      pending: "canceled",
      scheduled: "canceled",
      retry: "canceled",
      aggregating: "canceled",
      active: "signaled",
      archived: "finished",
      completed: "finished",
    });
    expect(await counts(engine, queue)).toEqual({ active: 1, archived: 5, completed: 1 });
    await engine.clock.advance(1_000);
    expect(await heard).toBe(tasks.active);
    await end();
    const id = await enqueued(engine, queue);
    expect(await inspector.cancelTask({ queue, id }, { then: "retry" })).toBe("canceled");
    expect(await stateOf(engine, queue, id)).toBe("pending");
    expect(await inspector.cancelTask({ queue, id }, { then: "delete" })).toBe("canceled");
    await expect(inspector.cancelTask({ queue, id })).rejects.toBeInstanceOf(TaskNotFoundError);
  });

  it("finds tasks by a filter, page by page, each once", async () => {
    const { engine, queue, inspector } = await opened();
    const all = await archivedTasks(engine, queue, 900);
    const other = engine.queue();
    await enqueued(engine, other, { type: "even" });
    const found: string[] = [];
    let scanned = 0;
    for (let cursor: string | undefined, pages = 0; pages < 100; pages += 1) {
      const page = await inspector.search("type:even", {
        queues: [queue],
        limit: 70,
        ...(cursor && { cursor }),
      });
      expect(page.tasks.length).toBeLessThanOrEqual(70);
      expect(page.total).toBe(900);
      // It has to fit in the address of a request.
      expect(page.cursor?.length ?? 0).toBeLessThan(7_000);
      found.push(...page.tasks.map(({ id }) => id));
      scanned += page.scanned;
      cursor = page.cursor;
      if (cursor === undefined) break;
    }
    expect(found.sort()).toEqual(all.filter((_, n) => n % 2 === 0).sort());
    expect(scanned).toBeGreaterThanOrEqual(900);

    const everywhere = await inspector.search("type:even payload.n:4");
    expect(everywhere.tasks).toMatchObject([{ queue, id: all[4], state: "archived", payload: { n: 4 } }]);
    expect((await inspector.search(`id:${all[7]}`)).tasks).toMatchObject([{ id: all[7], type: "odd" }]);
    expect((await inspector.search("state:pending type:even")).tasks).toMatchObject([{ queue: other }]);
    expect(await inspector.search("state:retry")).toEqual({ tasks: [], scanned: 0, total: 0 });
  });

  it("goes on with a search that was stopped half-way", async () => {
    const { engine, queue, inspector } = await opened();
    const all = await archivedTasks(engine, queue, 1_200);
    const stop = new AbortController();
    const options = { states: ["archived" as const], limit: 1_000, signal: stop.signal };
    const first = await inspector.search("payload.n:*", { ...options, onProgress: () => stop.abort() });
    expect(first.scanned).toBeLessThan(1_200);
    const { signal, ...rest } = options;
    const found = new Set(first.tasks.map(({ id }) => id));
    for (let cursor = first.cursor; cursor !== undefined; ) {
      const page = await inspector.search("payload.n:*", { ...rest, cursor });
      for (const { id } of page.tasks) found.add(id);
      cursor = page.cursor;
    }
    expect([...found].sort()).toEqual([...all].sort());
  });

  it("refuses a cursor that somebody has changed, wherever in it that is", async () => {
    const { engine, queue, inspector } = await opened();
    await archivedTasks(engine, queue, 600);
    const grouped = Array.from({ length: 600 }, () => ({
      message: message(queue, { groupKey: "g" }),
      group: "g",
    }));
    await engine.broker.enqueue(grouped);
    await engine.broker.enqueue(Array.from({ length: 600 }, () => ({ message: message(queue) })));
    for (const state of ["archived", "pending", "aggregating"] as const) {
      const options = { queues: [queue], states: [state] };
      const { cursor } = await inspector.search("type:none", { ...options, signal: AbortSignal.abort() });
      const { at, rest } = decoded(cursor) as { at: { cursor: string }; rest: object };
      const withPlace = (place: unknown) => encoded({ at: { ...at, cursor: place }, rest });
      const search = (changed: string) => inspector.search("type:none", { ...options, cursor: changed });

      for (const changed of [
        ...[
          "",
          "nonsense",
          "null",
          "1",
          "[]",
          "{}",
          "[0,1]",
          "[[],{},null]",
          '{"score":{},"id":1}',
          1,
          null,
          {},
        ].map(withPlace),
        ...[null, 1, [], {}, { at }, { at, rest: { queue, ids: [1] } }, { at, rest: { ids: [] } }].map(
          encoded,
        ),
        ...[{ ...at, queue: 1 }, { ...at, state: "gone" }, null, 1].map((place) =>
          encoded({ at: place, rest }),
        ),
      ]) {
        await expect(search(changed)).rejects.toMatchObject({ code: "INVALID_OPTION", option: "cursor" });
      }
      // Somewhere else than it was, it may be a place all the same.
      for (const changed of variants(JSON.parse(at.cursor))) {
        const answer = await search(withPlace(JSON.stringify(changed))).catch((error: unknown) => error);
        if (answer instanceof Error) expect(answer).toMatchObject({ option: "cursor" });
      }
      expect((await search(encoded({ at, rest }))).tasks).toEqual([]);
    }
  });

  it("changes what meets a filter, and only shows it when asked to", async () => {
    const { engine, queue, inspector } = await opened();
    await archivedTasks(engine, queue, 500);
    await enqueued(engine, queue, { type: "odd" });
    const dry = await inspector.deleteMatching("type:odd payload.n:*", { queues: [queue], dryRun: true });
    expect(dry).toMatchObject({ matched: 250, changed: 0, stopped: false, total: 501 });
    expect(dry.sample).toHaveLength(10);
    expect(dry.sample[0]).toMatchObject({ type: "odd", state: "archived" });
    expect(await counts(engine, queue)).toEqual({ archived: 500, pending: 1 });

    const some = await inspector.runMatching("type:odd", { queues: [queue], limit: 30 });
    expect(some).toMatchObject({ matched: 30, changed: 30 });
    const rest = await inspector.runMatching("type:odd", { queues: [queue] });
    expect(rest).toMatchObject({ matched: 220, changed: 220 });
    expect(await counts(engine, queue)).toEqual({ archived: 250, pending: 251 });
    const put = await inspector.archiveMatching("payload.n:*", { queues: [queue] });
    expect(put).toMatchObject({ matched: 250, changed: 250 });
    expect(await counts(engine, queue)).toEqual({ archived: 500, pending: 1 });
    expect(await inspector.countByType(queue, "archived")).toEqual({ even: 250, odd: 250 });
    expect(await inspector.countByType(queue, "retry")).toEqual({});
  });

  it("redrives the archive: the oldest first, filtered, or only to see", async () => {
    const { engine, queue, inspector } = await opened();
    const first = await archivedTasks(engine, queue, 20);
    await engine.clock.advance(2_000);
    await archivedTasks(engine, queue, 20);
    expect(await inspector.redrive(queue, { dryRun: true })).toMatchObject({ matched: 40, changed: 0 });
    expect(await inspector.redrive(queue, { limit: 20 })).toMatchObject({
      matched: 20,
      changed: 20,
      total: 20,
    });
    for (const id of first) expect(await stateOf(engine, queue, id)).toBe("pending");
    expect(await inspector.redrive(queue, { filter: "type:odd" })).toMatchObject({
      matched: 10,
      changed: 10,
    });
    expect(await inspector.countByType(queue, "archived")).toEqual({ even: 10 });
    await expect(inspector.redrive("nowhere")).rejects.toBeInstanceOf(QueueNotFoundError);
  });

  it("deletes a queue with all that it has, once nothing runs", async () => {
    const { engine, queue, inspector } = await opened();
    const attempt = await running(engine, queue);
    await oneOfEach(engine, engine.queue());
    await expect(inspector.deleteQueue(queue)).rejects.toBeInstanceOf(QueueNotEmptyError);
    await expect(inspector.deleteQueue(queue, { force: true })).rejects.toBeInstanceOf(QueueActiveError);
    expect(await inspector.getQueueInfo(queue)).toMatchObject({ paused: false, active: 1 });
    await settled(engine, attempt, archive(attempt));
    await archivedTasks(engine, queue, 300);
    const groups = Array.from({ length: 20 }, (_, i) => ({ message: message(queue, { groupKey: `g${i}` }) }));
    await engine.broker.enqueue(groups);
    await expect(inspector.deleteQueue(queue)).rejects.toBeInstanceOf(QueueNotEmptyError);

    const seen: Progress[] = [];
    const stop = new AbortController();
    const interrupted = inspector.deleteQueue(queue, {
      force: true,
      signal: stop.signal,
      onProgress: (progress) => {
        seen.push(progress);
        if (progress.done > 0) stop.abort(new Error("stopped"));
      },
    });
    await expect(interrupted).rejects.toThrow("stopped");
    expect(await inspector.queues()).toContain(queue);
    expect(await inspector.getQueueInfo(queue)).toMatchObject({ paused: true });
    await inspector.deleteQueue(queue, { force: true });
    expect(await inspector.queues()).not.toContain(queue);
    await expect(inspector.getQueueInfo(queue)).rejects.toBeInstanceOf(QueueNotFoundError);
    await enqueued(engine, queue);
    expect(await inspector.getQueueInfo(queue)).toMatchObject({ size: 1, paused: false, processedTotal: 0 });
  });

  it("deletes a queue that holds nothing but completed tasks, without force", async () => {
    const { engine, queue, inspector } = await opened();
    const tasks = await oneOfEach(engine, queue);
    const work = Object.values(tasks).filter((id) => id !== tasks.completed && id !== tasks.active);
    await inspector.deleteTasks(work.map((id) => ({ queue, id })));
    const other = engine.queue();
    await enqueued(engine, other);
    await expect(inspector.deleteQueue(queue)).rejects.toBeInstanceOf(QueueNotEmptyError);
    await engine.clock.advance(120_000);
    for (const expired of await engine.broker.listExpired(queue, 10)) {
      await engine.broker.recover(queue, [
        { expired, settlement: { kind: "archive", message: expired.message } },
      ]);
    }
    await inspector.deleteAll(queue, "archived");
    await inspector.deleteQueue(queue);
    expect(await inspector.queues()).toEqual([other]);
  });

  it("does not delete a queue whose tasks are being aggregated, unless with force", async () => {
    const { engine, queue, inspector } = await opened();
    await engine.broker.enqueue([{ message: message(queue, { groupKey: "g" }) }]);
    const set = { queue, group: "g", id: "s" };
    expect(await engine.broker.createAggregationSet(set, { gracePeriod: 0, maxSize: 1 })).toBeDefined();
    expect(await inspector.getQueueInfo(queue)).toMatchObject({ size: 0 });
    await expect(inspector.deleteQueue(queue)).rejects.toBeInstanceOf(QueueNotEmptyError);
    expect(await engine.broker.readAggregationSet(set)).toHaveLength(1);
    expect(await inspector.getQueueInfo(queue)).toMatchObject({ paused: false });

    await inspector.deleteQueue(queue, { force: true });
    expect(await inspector.queues()).not.toContain(queue);
  });

  it("replaces a payload and the key that was made from it, unless an equal task waits", async () => {
    const { engine, queue, inspector } = await opened();
    const client = new Client(engine.engine);
    const options = { queue, processIn: "1h", unique: "2h" };
    const one = await client.enqueue(new Task("a", { n: 1 }), options);
    await client.enqueue(new Task("a", { n: 2 }), options);
    await expect(inspector.updateTaskPayload(one, { n: 2 })).rejects.toBeInstanceOf(DuplicateTaskError);
    await inspector.updateTaskPayload(one, { n: 3 });
    expect((await inspector.getTaskInfo(one)).payload).toEqual({ n: 3 });
    await expect(client.enqueue(new Task("a", { n: 3 }), options)).rejects.toBeInstanceOf(DuplicateTaskError);
    await client.enqueue(new Task("a", { n: 1 }), options);
    await inspector.runTask(one);
    await expect(inspector.updateTaskPayload(one, 1)).rejects.toBeInstanceOf(TaskStateError);
    await expect(inspector.updateTaskPayload({ queue, id: "none" }, 1)).rejects.toBeInstanceOf(
      TaskNotFoundError,
    );
    await client.close();
  });

  it("enqueues a copy of a task that has ended, with another payload if need be", async () => {
    const { engine, queue, inspector } = await opened();
    const attempt = await running(engine, queue, { headers: new Map([["a", "b"]]), retry: 7, timeout: 60 });
    await settled(engine, attempt, archive(attempt));
    const old = { queue, id: attempt.message.id };
    const copy = await inspector.enqueueCopy(old);
    expect(copy).toMatchObject({
      queue,
      state: "pending",
      type: attempt.message.type,
      payload: { userId: 42 },
      headers: { a: "b" },
      maxRetry: 7,
      timeout: 60_000,
      retried: 0,
      lastError: undefined,
    });
    expect(copy.id).not.toBe(old.id);
    const edited = await inspector.enqueueCopy(old, {
      payload: { userId: 43 },
      options: { processIn: "1h" },
    });
    expect(edited).toMatchObject({ state: "scheduled", payload: { userId: 43 }, maxRetry: 7 });
    expect(await counts(engine, queue)).toEqual({ archived: 1, pending: 1, scheduled: 1 });
    await expect(inspector.enqueueCopy({ queue, id: "none" })).rejects.toBeInstanceOf(TaskNotFoundError);
  });
}

function encoded(place: unknown): string {
  return Buffer.from(JSON.stringify(place)).toString("base64url");
}

function decoded(cursor: string | undefined): unknown {
  return JSON.parse(Buffer.from(cursor ?? "", "base64url").toString());
}

const ODD = [null, true, -1, 0.5, 1e300, "", "x", "9".repeat(20), [], {}, [null], ["x"]];

/** A value with one of its parts, or all of it, replaced by what it should not be. */
function variants(value: unknown): unknown[] {
  if (typeof value !== "object" || value === null) return ODD;
  const parts = Object.entries(value).flatMap(([name, part]) =>
    variants(part).map((odd) =>
      Array.isArray(value) ? value.with(Number(name), odd) : { ...value, [name]: odd },
    ),
  );
  return [...ODD, ...parts];
}
