import { expect, it } from "vitest";
import { Inspector, Task } from "../../src/index.ts";
import { hashPassword } from "../../src/monitor/index.ts";
import { parseExposition } from "../metrics/exposition.ts";
import { basic, MonitorRig } from "./monitor-rig.ts";

const FORMAT = "text/plain; version=0.0.4; charset=utf-8";

async function seeded(rig: MonitorRig): Promise<void> {
  await rig.client.enqueue(new Task("a"), { queue: "mail-out" });
  await rig.client.enqueue(new Task("a"), { queue: "low", processIn: "1h" });
  await rig.client.enqueue(new Task("a"), { queue: "low" });
}

it("serves what the engine holds, as Prometheus reads it", async () => {
  const rig = await MonitorRig.start();
  await seeded(rig);
  const { status, text, headers } = await rig.send("/metrics", { headers: { accept: "*/*" } });
  expect([status, headers["content-type"]]).toEqual([200, FORMAT]);
  const tasks = parseExposition(text).get("titanqueue_queue_tasks")?.samples ?? [];
  await using inspector = new Inspector(rig.engine);
  expect(await inspector.queues()).toEqual(["low", "mail-out"]);
  for (const queue of await inspector.queues()) {
    const info = await inspector.getQueueInfo(queue);
    for (const state of ["pending", "scheduled", "archived"] as const) {
      const found = tasks.find(({ labels }) => labels["queue"] === queue && labels["state"] === state);
      expect([queue, state, found?.value]).toEqual([queue, state, info[state]]);
    }
  }
});

it("serves it under the names of asynq's exporter", async () => {
  const rig = await MonitorRig.start();
  await seeded(rig);
  const { text } = await rig.send("/metrics?names=asynq");
  const sizes = parseExposition(text).get("asynq_queue_size")?.samples;
  expect(sizes?.map(({ labels, value }) => [labels["queue"], value])).toEqual([
    ["low", 2],
    ["mail-out", 1],
  ]);
  expect((await rig.send("/metrics?names=bullmq")).status).toBe(400);
});

it("tells visitors of their own queues, and nobody else of anything", async () => {
  const users = [{ user: "mia", hash: await hashPassword("right"), queues: ["mail-*"] }];
  const tokens = [{ token: "scrapes-from-prometheus" }];
  const rig = await MonitorRig.start({ auth: { users, tokens } });
  await seeded(rig);
  expect((await rig.send("/metrics")).status).toBe(401);
  const { text } = await rig.send("/metrics", { headers: basic("mia", "right") });
  const queues = [...parseExposition(text).values()].flatMap(({ samples }) =>
    samples.flatMap(({ labels }) => labels["queue"] ?? []),
  );
  expect(new Set(queues)).toEqual(new Set(["mail-out"]));
  expect(text).toMatch(/^titanqueue_queues 1$/m);
  const headers = { authorization: "Bearer scrapes-from-prometheus" };
  expect((await rig.send("/metrics", { headers })).text).toContain('queue="low"');
});

it("shows a page to people who come there, and no exposition", async () => {
  const rig = await MonitorRig.start();
  const { headers, text } = await rig.send("/metrics", { headers: { accept: "text/html,*/*;q=0.8" } });
  expect(headers["content-type"]).toBe("text/html; charset=utf-8");
  expect(text).toContain("<title>TitanQueue");
  expect((await rig.send("/metrics", { method: "POST", headers: { accept: "text/html" } })).status).toBe(405);
});

it("says that it is text in the OpenAPI document", async () => {
  const rig = await MonitorRig.start();
  const { json } = await rig.send("/api/openapi.json");
  expect(Object.keys(json.paths["/metrics"].get.responses["200"].content)).toEqual(["text/plain"]);
});
