import { describe, expect, it } from "vitest";
import { redisForFile } from "../support/redis-rig.ts";
import { Asynqmon } from "./asynqmon.ts";
import { ACTIONS, type ActedState, type Action, CHANGING } from "./asynqmon-routes.ts";
import { eventually, hearKeys, tell } from "./news.ts";
import { FILLED, type FilledState, ServedQueue } from "./served-queue.ts";

const redis = await redisForFile();
await hearKeys(redis);
const queue = new ServedQueue(redis);
const monitor = await Asynqmon.forFile(redis.url);
const onlooker = await Asynqmon.forFile(redis.url, "-read-only");

const CASES = Object.entries(ACTIONS).flatMap(([state, actions]) => {
  return actions.map((action) => [action, state as ActedState] as const);
});

/** The fields of the answers to changes of a list and of all. */
const ANSWERS = {
  delete: { list: ["deleted_ids", "failed_ids"], all: "deleted" },
  run: { list: ["pending_ids", "error_ids"], all: "scheduled" },
  archive: { list: ["archived_ids", "error_ids"], all: "archived" },
} as const;

const tasksOf = (state: ActedState) =>
  `/queues/${queue.name}/${state === "aggregating" ? "groups/g/" : ""}${state}_tasks`;

const filled = (state: ActedState) => FILLED[(state.charAt(0).toUpperCase() + state.slice(1)) as FilledState];

/** One by itself, one in a list beside one that is not there, and the last by "all". */
async function change(action: Action, state: ActedState, ids: readonly string[]): Promise<void> {
  const [first, second] = ids;
  const tasks = tasksOf(state);
  const one =
    action === "delete"
      ? await monitor.ask("DELETE", `${tasks}/${first}`)
      : await monitor.ask("POST", `${tasks}/${first}:${action}`);
  expect(one).toEqual({ status: 204, body: "" });
  const { list, all } = ANSWERS[action];
  expect(await monitor.ask("POST", `${tasks}:batch_${action}`, { task_ids: [second, "none"] })).toEqual({
    status: 200,
    body: { [list[0]]: [second], [list[1]]: ["none"] },
  });
  expect(await monitor.ask(action === "delete" ? "DELETE" : "POST", `${tasks}:${action}_all`)).toEqual({
    status: 200,
    body: { [all]: 1 },
  });
}

describe("what asynqmon does to our tasks", () => {
  it.each(CASES)("can %s what is %s: one, a list, all", async (action, state) => {
    const ids = filled(state);
    if (state === "scheduled") queue.leavesFractions();
    await queue.fill();
    await change(action, state, ids);
    if (action === "archive") for (const id of ids) expect(await queue.stateOf(id)).toBe("archived");
    if (action === "delete") for (const id of ids) expect(await queue.has(id)).toBe(false);
    const pending = state === "pending" ? [] : FILLED.Pending;
    await queue.runs(action === "run" ? [...ids, ...pending] : pending);
  });

  it("cancels what runs: one, a list, all", async () => {
    const running = await queue.serve();
    const canceled: string[] = [];
    running.on("taskSettled", ({ taskId, cause }) => {
      if (cause === "canceled") canceled.push(taskId);
      tell();
    });
    for (const id of ["one", "two", "three"]) await queue.add(id, {}, "wait");
    await eventually("all run", () => queue.began.length === 3);
    const tasks = tasksOf("active" as ActedState);
    await eventually("the server listens", async () => {
      expect(await monitor.ask("POST", `${tasks}/one:cancel`)).toMatchObject({ status: 204 });
      return canceled.length > 0;
    });
    expect(canceled).toEqual(["one"]);
    expect(await monitor.ask("POST", `${tasks}:batch_cancel`, { task_ids: ["two"] })).toMatchObject({
      body: { canceled_ids: ["two"], error_ids: [] },
    });
    await eventually("the second is canceled", () => canceled.length === 2);
    expect(await monitor.ask("POST", `${tasks}:cancel_all`)).toMatchObject({ status: 204 });
    await eventually("the third is canceled", () => canceled.length === 3);
    expect(canceled).toEqual(["one", "two", "three"]);
    for (const id of canceled) expect(await queue.stateOf(id)).toBe("retry");
  });

  it("holds our server, and lets it go on", async () => {
    const open = `${queue.name}-open`;
    await queue.serve({ queues: { [queue.name]: 9, [open]: 1 } });
    await queue.add("first");
    await eventually("it runs", () => queue.began.length === 1);
    expect(await monitor.ask("POST", `/queues/${queue.name}:pause`)).toMatchObject({ status: 204 });
    await queue.add("second");
    await queue.add("elsewhere", { queue: open });
    await eventually("the server has looked for tasks", () => queue.began.length === 2);
    expect(queue.began).toEqual(["first", "elsewhere"]);
    expect(await queue.inspector.getQueueInfo(queue.name)).toMatchObject({ paused: true, pending: 1 });
    expect(await monitor.ask("POST", `/queues/${queue.name}:resume`)).toMatchObject({ status: 204 });
    await eventually("the second runs", () => queue.began.length === 3);
  });

  it("deletes our queue when it is empty, and not before", async () => {
    await queue.add("one");
    expect(await monitor.ask("DELETE", `/queues/${queue.name}`)).toMatchObject({ status: 400 });
    await queue.inspector.deleteTask({ queue: queue.name, id: "one" });
    expect(await monitor.ask("DELETE", `/queues/${queue.name}`)).toMatchObject({ status: 204 });
    expect(await queue.inspector.queues()).not.toContain(queue.name);
  });

  it("changes nothing when it may only look", async () => {
    await queue.add("one");
    expect(await onlooker.ask("POST", `/queues/${queue.name}:pause`)).toMatchObject({ status: 405 });
    expect(await onlooker.get("/queues")).toMatchObject({ queues: expect.any(Array) });
  });

  it("was asked for every change there is", () => {
    expect([...monitor.asked].sort()).toEqual([...CHANGING].sort());
  });
});
