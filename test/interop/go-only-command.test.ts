import { hostname } from "node:os";
import { describe, expect, it } from "vitest";
import { installationForFile } from "../cli/installation.ts";
import { TmuxTerminal } from "../cli/tmux.ts";
import { redisForFile } from "../support/redis-rig.ts";
import { countTests } from "./count-tests.ts";
import { counted } from "./counts.ts";
import { fillByGo, scheduleByGo, script } from "./go-only.ts";
import { goInstant } from "./go-shape.ts";
import { eventually, hearKeys } from "./news.ts";
import { Onlooker } from "./onlooker.ts";

const installation = await installationForFile();
const redis = await redisForFile();
await hearKeys(redis);
const go = await fillByGo(redis.url);
const { every, rare } = await scheduleByGo(go);

countTests("tool-scenarios");

interface GoEntry {
  readonly ID: string;
  readonly Spec: string;
  readonly Next: string;
  readonly Prev: string | null;
  readonly Opts: readonly string[];
  readonly Task: { readonly Type: string; readonly Payload: string };
}

/** Ids of tasks as Go lists them. */
async function idsOf(state: string, ...group: string[]): Promise<string[]> {
  const tasks = await go.inspect<{ ID: string }[]>(`List${state}Tasks`, "work", ...group);
  return tasks.map(({ ID }) => ID).sort();
}

describe("where only Go runs, the command", () => {
  it("lists Go's schedules; what was never due was never", async () => {
    const at = new Onlooker(installation, redis.url);
    // Go says once a second when an entry was due last.
    await eventually("one was due", async () => {
      const entries = await go.inspect<GoEntry[]>("SchedulerEntries");
      return entries.some(({ ID, Prev }) => ID === every && Prev !== null);
    });
    const { entries } = (await at.json("cron", "ls")) as { entries: Record<string, unknown>[] };
    expect(entries).toHaveLength(2);
    for (const theirs of await go.inspect<GoEntry[]>("SchedulerEntries")) {
      const ours = entries.find(({ id }) => id === theirs.ID);
      expect(ours).toMatchObject({
        ...{ spec: theirs.Spec, type: theirs.Task.Type, options: theirs.Opts, queue: "ticks" },
        ...{ stored: false, paused: false, schedulers: 1 },
      });
      const still = theirs.ID === rare;
      const { next, previous } = ours as { next: string; previous: string | null };
      expect(previous === null).toBe(theirs.Prev === null);
      expect(previous === null).toBe(still);
      if (still) expect(goInstant(new Date(next))).toBe(theirs.Next);
    }
    const text = await at.text("cron", "ls");
    const [year = ""] = text.match(/^.*0 0 1 1 \*.*$/m) ?? [];
    expect(year).toContain("-01-01T00:00:00Z");
    expect(year.match(/\d{4}-\d\d-\d\dT/g)).toHaveLength(1);
  });

  it("tells what Go's scheduler has enqueued, the newest first", async () => {
    const at = new Onlooker(installation, redis.url);
    await eventually("there were three ticks", async () => {
      return (await go.inspect<object[]>("ListSchedulerEnqueueEvents", every)).length >= 3;
    });
    const { events } = (await at.json("cron", "history", every, "--size", "1000")) as {
      events: { entry: string; taskId: string; enqueuedAt: string }[];
    };
    const [pageTwo] = (
      (await at.json("cron", "history", every, "--page", "2", "--size", "1")) as {
        events: { taskId: string }[];
      }
    ).events;
    // Meanwhile there may have been more.
    const theirs = await go.inspect<{ TaskID: string; EnqueuedAt: string }[]>(
      ...(["ListSchedulerEnqueueEvents", every, { page: 1, size: 1000 }] as const),
    );
    expect(events.length).toBeGreaterThanOrEqual(3);
    const milliseconds = (at: string) => Math.floor(Date.parse(at));
    expect(events.map(({ taskId, enqueuedAt }) => [taskId, milliseconds(enqueuedAt)])).toEqual(
      theirs.slice(-events.length).map(({ TaskID, EnqueuedAt }) => [TaskID, milliseconds(EnqueuedAt)]),
    );
    expect(await at.json("cron", "history", rare)).toMatchObject({ events: [] });
    expect(theirs.map(({ TaskID }) => TaskID)).toContain(pageTwo?.taskId);
  });

  it("looks at queues, servers and workers, once", async () => {
    const at = new Onlooker(installation, redis.url);
    // Go shows what it runs with the next heartbeat, 5 s later.
    await eventually("Go shows both workers", async () => {
      const [server] = await go.inspect<{ ActiveWorkers: object[] }[]>("Servers");
      return server?.ActiveWorkers.length === 2;
    });
    const seen = (await at.json("top")) as {
      queues: Record<string, unknown>[];
      servers: { id: string; workers: { taskId: string; queue: string }[] }[];
    };
    for (const queue of ["work", "held"]) {
      const theirs = await go.inspect<Record<string, unknown>>("GetQueueInfo", queue);
      expect(seen.queues.find((each) => each["queue"] === queue)).toMatchObject({
        ...{ size: theirs["Size"], active: theirs["Active"], pending: theirs["Pending"] },
        ...{ scheduled: theirs["Scheduled"], retry: theirs["Retry"], archived: theirs["Archived"] },
        ...{ completed: theirs["Completed"], aggregating: theirs["Aggregating"], groups: theirs["Groups"] },
        ...{ processedTotal: theirs["ProcessedTotal"], failedTotal: theirs["FailedTotal"] },
        paused: theirs["Paused"],
      });
    }
    const [theirs] = await go.inspect<Record<string, unknown>[]>("Servers");
    const workers = theirs?.["ActiveWorkers"] as { TaskID: string; Started: string }[];
    expect(seen.servers).toMatchObject([
      {
        ...{ id: theirs?.["ID"], host: hostname(), pid: go.pid, version: null, status: "active" },
        ...{ concurrency: 2, queues: { work: 3, held: 1, ticks: 1 }, strictPriority: true },
      },
    ]);
    expect(seen.servers[0]?.workers.map(({ taskId }) => taskId).sort()).toEqual(
      workers.map(({ TaskID }) => TaskID).sort(),
    );
  });

  it("watches them, and holds Go's server from the screen", async () => {
    const at = new Onlooker(installation, redis.url);
    const terminal = await TmuxTerminal.open({
      ...{ cwd: at.directory, env: { TITANQUEUE_URL: at.url }, width: 140 },
    });
    await terminal.line(`'${process.execPath}' '${at.bin}' top --refresh 250ms; echo "ended $?"`);
    await terminal.shows(/^held +1 +0 .*paused/m);
    await terminal.shows(/^work +2 +2 +1 +1 +1 .*runs/m);
    // They are listed by name, and the last one is chosen so.
    await terminal.key("G");
    await terminal.key("p");
    await terminal.shows(/^work is paused/m);
    expect(await go.inspect("GetQueueInfo", "work")).toMatchObject({ Paused: true });
    await terminal.key("p");
    await terminal.shows(/^work runs again/m);
    expect(await go.inspect("GetQueueInfo", "work")).toMatchObject({ Paused: false });
    await terminal.key("Tab");
    const name = `${hostname()}:${go.pid}`.replaceAll(".", "\\.");
    await terminal.shows(new RegExp(`^${name} .*active +2/2 .*\\(strict\\) +asynq \\(Go\\)`, "m"));
    await terminal.key("Tab");
    await terminal.shows(new RegExp(`^${name} +work +t +busy-1 `, "m"));
    await terminal.key("q");
    await terminal.shows(/ended 0/);
    counted("tool-commands");
  });

  it("archives all of a state, or what meets a filter, and puts it back for Go to run", async () => {
    const at = new Onlooker(installation, redis.url);
    const all = (...words: string[]) => at.json("task", "archiveall", "-q", "work", ...words, "--yes");
    const changed = { change: "archive", changed: 1, matched: 1 };
    expect(
      await at.json("task", "archiveall", "--filter", "queue:work id:next-2", "--dry-run"),
    ).toMatchObject({
      ...{ matched: 1, changed: 0, sample: [{ id: "next-2" }] },
    });
    expect(await idsOf("Pending")).toEqual(["next-1", "next-2"]);
    expect(await at.json("task", "archiveall", "--filter", "queue:work id:next-2", "--yes")).toMatchObject(
      changed,
    );
    expect(await idsOf("Archived")).toEqual(["dead", "next-2"]);
    await all("-s", "pending");
    await all("-s", "scheduled");
    await all("-s", "retry");
    await all("-s", "aggregating", "-g", "a");
    for (const state of ["Pending", "Scheduled", "Retry"]) expect(await idsOf(state)).toEqual([]);
    expect(await go.inspect("Groups", "work")).toEqual([]);
    expect(await idsOf("Archived")).toEqual(
      ["a-1", "a-2", "again", "dead", "later", "next-1", "next-2"].sort(),
    );
    expect(await at.inspector.fsck()).toMatchObject({ findings: [] });

    expect(await at.json("redrive", "work", "--filter", "error:~luck", "--dry-run")).toMatchObject({
      ...{ change: "redrive", dryRun: true, matched: 1, changed: 0, sample: [{ id: "again" }] },
    });
    expect(await idsOf("Archived")).toHaveLength(7);
    await go.finish("busy-1");
    await go.finish("busy-2");
    await at.json("redrive", "work", "--filter", "error:~luck", "--yes");
    await go.event("started", ({ task, retried }) => task === "again" && retried === 1);
    // The longest archived first: one that fails for good once more.
    expect(await at.json("redrive", "work", "--limit", "1", "--yes")).toMatchObject({ changed: 1 });
    const ends = () => go.events.filter(({ event, task }) => event === "ended" && task === "dead");
    await eventually("it has failed again", () => ends().length === 2);
    const left = ["a-1", "a-2", "dead", "later", "next-1", "next-2"];
    await eventually("it is archived again", async () => (await idsOf("Archived")).join() === left.join());
    expect(await at.json("redrive", "work", "--yes")).toMatchObject({ change: "redrive", changed: 6 });
    for (const id of ["a-1", "a-2", "later", "next-1"]) await go.event("ended", ({ task }) => task === id);
    await eventually("all have run, and what fails for good is archived again", async () => {
      const { Size, Archived } = await go.inspect<Record<string, number>>("GetQueueInfo", "work");
      return Size === 2 && Archived === 1;
    });
    expect(await idsOf("Archived")).toEqual(["dead"]);
    expect(await idsOf("Completed")).toEqual(["done"]);
    expect(await at.inspector.fsck()).toMatchObject({ findings: [] });
  });

  it("sees how fast Go works, from one look to the next", async () => {
    const at = new Onlooker(installation, redis.url);
    let rate = 0;
    for await (const look of at.lines("top", "--refresh", "250ms")) {
      const { queues } = look as { queues: { queue: string; processedPerSecond: number | null }[] };
      rate = queues.find(({ queue }) => queue === "work")?.processedPerSecond ?? 0;
      if (rate > 0) break;
      await go.enqueue({ type: "t", payload: script({}), options: { queue: "work" } });
    }
    expect(rate).toBeGreaterThan(0);
  });
});
