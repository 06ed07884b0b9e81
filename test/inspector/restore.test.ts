import { expect, it } from "vitest";
import { Client, Inspector, memoryEngine, Task } from "../../src/index.ts";

async function open() {
  const engine = memoryEngine();
  const client = new Client(engine);
  const inspector = new Inspector(engine);
  const put = (taskId: string, queue = "default", more = {}) =>
    client.enqueue(new Task("a", { taskId }), { taskId, queue, ...more });
  return { client, inspector, put };
}

it("puts back what an operator archived, and tells of each what became of it", async () => {
  const { inspector, put } = await open();
  const before = [await put("one"), await put("two", "low", { processIn: "1h" }), await put("three")];
  await inspector.archiveTasks(before.slice(0, 2));
  const results = await inspector.restoreTasks(before);
  expect(results).toMatchObject([
    { ok: true, task: { queue: "default", id: "one" } },
    { ok: true, task: { queue: "low", id: "two" } },
    { ok: false, task: { id: "three" }, error: { code: "TASK_STATE" } },
  ]);
  for (const { queue, id, state, nextProcessAt } of before.slice(0, 2)) {
    const now = await inspector.getTaskInfo({ queue, id });
    expect(now.state).toBe(state);
    if (state === "scheduled") expect(now.nextProcessAt).toEqual(nextProcessAt);
  }
  for (const state of ["archived", "completed", "active", "aggregating"] as const) {
    const wrong = { queue: "low", id: "two", state, nextProcessAt: undefined };
    await expect(inspector.restoreTasks([wrong])).rejects.toMatchObject({ option: "state" });
  }
});

it("changes only tasks of the state that is asked for", async () => {
  const { inspector, put } = await open();
  await put("one");
  await put("two", "default", { processIn: "1h" });
  const tasks = ["one", "two"].map((id) => ({ queue: "default", id }));
  expect(await inspector.deleteTasks(tasks, { from: "scheduled" })).toMatchObject([
    { ok: false, error: { code: "TASK_NOT_FOUND" } },
    { ok: true },
  ]);
});

it("changes only tasks of which the caller says so", async () => {
  const { inspector, put } = await open();
  for (const id of ["one", "two", "three"]) await put(id, "default", { processIn: "1h" });
  const where = ({ id }: { id: string }) => id !== "two";
  expect(await inspector.runMatching("type:a", { where, dryRun: true })).toMatchObject({ matched: 2 });
  expect(await inspector.runMatching("type:a -id:three", { where })).toMatchObject({ changed: 1 });
  await inspector.archiveMatching("id:*");
  expect(await inspector.redrive("default", { where })).toMatchObject({ changed: 2 });
  expect((await inspector.getTaskInfo({ queue: "default", id: "two" })).state).toBe("archived");
});
