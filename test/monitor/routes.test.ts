import { expect, it } from "vitest";
import { Task } from "../../src/index.ts";
import { ROUTE_SCHEMAS, SCHEMAS } from "../../src/monitor/openapi.gen.ts";
import { complaintOf } from "../../src/monitor/schema.ts";
import { MonitorRig } from "./monitor-rig.ts";

async function seeded(): Promise<MonitorRig> {
  const rig = await MonitorRig.start();
  await rig.client.enqueue(new Task("email:welcome", { userId: 42, password: "canary" }), { taskId: "one" });
  await rig.client.enqueue(new Task("image:resize", new Uint8Array([0xff, 0x00])), {
    queue: "low",
    taskId: "two",
    processIn: "1h",
  });
  return rig;
}

it("answers every GET with what its schema says", async () => {
  const rig = await seeded();
  const asked: string[] = [];
  for (const [route, { answer, query }] of Object.entries(ROUTE_SCHEMAS)) {
    const [method, path = ""] = route.split(" ");
    if (method !== "GET" || path === "/api/live" || path.includes("operations/{id}")) continue;
    if (path.includes("schedulers/{id}") || path.endsWith("/payload") || path.endsWith("/result")) continue;
    const queries = query?.$ref?.endsWith("TopicQuery")
      ? "?topics=overview,servers,operations,queue:low"
      : query?.$ref?.endsWith("ListQuery")
        ? "?state=scheduled"
        : query?.$ref?.endsWith("SpecQuery")
          ? "?spec=@daily"
          : "";
    const { status, json, text } = await rig.send(
      path.replace("{queue}", "low").replace("{id}", "two") + queries,
    );
    expect([route, status, complaintOf(json ?? text, answer ?? {}, SCHEMAS)]).toEqual([
      route,
      200,
      undefined,
    ]);
    asked.push(route);
  }
  expect(asked.length).toBeGreaterThan(15);
});

it("serves an OpenAPI document of exactly the routes there are", async () => {
  const rig = await MonitorRig.start();
  const { json } = await rig.send("/api/openapi.json");
  const documented = Object.entries(json.paths as Record<string, object>).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  expect(documented.sort()).toEqual(Object.keys(ROUTE_SCHEMAS).sort());
  // An answer that tells that all is not well, and no error.
  expect(json.paths["/healthz"].get.responses["503"].content["application/json"].schema).toEqual(
    json.paths["/healthz"].get.responses["200"].content["application/json"].schema,
  );
  for (const [, name = ""] of JSON.stringify(json).matchAll(/"#\/components\/schemas\/(\w+)"/g)) {
    expect(json.components.schemas).toHaveProperty(name);
  }
});

it("pauses, runs, archives, copies and deletes", async () => {
  const rig = await seeded();
  expect((await rig.change("/api/queues/low/pause")).status).toBe(204);
  expect((await rig.send("/api/queues/low")).json.row).toMatchObject({ queue: "low", scheduled: 1 });
  expect((await rig.change("/api/queues/low/tasks/two/run")).status).toBe(204);
  expect((await rig.send("/api/queues/low/tasks/two")).json).toMatchObject({
    state: "pending",
    payload: { kind: "hex", text: "ff00", bytes: 2 },
  });
  expect((await rig.change("/api/queues/low/tasks/two/run")).json.error.code).toBe("TASK_STATE");
  expect((await rig.change("/api/queues/low/tasks/two/archive")).status).toBe(204);
  const copy = await rig.change("/api/queues/default/tasks/one/copy", {
    body: { payload: { kind: "json", text: '{"userId":12345678901234567890}' } },
  });
  expect(copy.json).toMatchObject({ queue: "default", payload: { text: '{"userId":12345678901234567890}' } });
  expect((await rig.change("/api/queues/low/tasks/two", { method: "DELETE" })).status).toBe(204);
  expect((await rig.send("/api/queues/low/tasks/two")).status).toBe(404);
});

it("begins an operation, tells how far it is, and that it ended", async () => {
  const rig = await seeded();
  const begun = await rig.change("/api/operations", { body: { action: "archive", filter: "type:email:*" } });
  expect(begun.json).toMatchObject({
    status: "running",
    command: "titanqueue task archiveall --filter 'type:email:*'",
  });
  let operation = begun.json;
  while (operation.status === "running") {
    operation = (await rig.send(`/api/operations/${operation.id}`)).json;
  }
  expect(operation).toMatchObject({ status: "done", matched: 1, changed: 1 });
  expect((await rig.send("/api/queues/default/tasks/one")).json.state).toBe("archived");
  const lines = (await rig.send("/api/audit")).json.lines;
  expect(lines[0]).toMatchObject({ what: "end of archive", count: 1, outcome: "done" });
});

it("finds tasks, and says where a filter is wrong", async () => {
  const rig = await seeded();
  const found = await rig.send(`/api/tasks?filter=${encodeURIComponent("payload.userId:42")}`);
  expect(found.json.tasks).toMatchObject([{ id: "one" }]);
  const wrong = await rig.send("/api/tasks?filter=nonsense%3A1");
  expect(wrong).toMatchObject({ status: 400, json: { error: { code: "FILTER_INVALID", position: 0 } } });
});
