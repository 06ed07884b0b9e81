import { expect, it } from "vitest";
import { Task } from "../../src/index.ts";
import type { Operation } from "../../src/monitor/api.ts";
import { MonitorRig } from "./monitor-rig.ts";

it("lets nobody stop the deletion of a queue who may not begin one", async () => {
  const authorize = (request: Request) => {
    const role = request.headers.get("x-role") === "operate" ? "operate" : "admin";
    return { user: role, role } as const;
  };
  const rig = await MonitorRig.start({ authorize });
  await rig.client.enqueue(new Task("t"), { queue: "low" });
  const as = async (role: string) => {
    const session = await rig.send("/api/session", { headers: { "x-role": role } });
    return { "x-role": role, "x-tq-csrf": String(session.json.csrf) };
  };
  const deletion = await rig.change("/api/queues/low", {
    method: "DELETE",
    headers: await as("admin"),
    body: { confirm: "low", force: true },
  });
  expect(deletion).toMatchObject({ status: 200 });
  const { id } = deletion.json as Operation;
  const stop = async (role: string) =>
    (await rig.change(`/api/operations/${id}/stop`, { headers: await as(role), body: {} })).status;
  expect(await stop("operate")).toBe(403);
  expect(await stop("admin")).toBe(200);
});
