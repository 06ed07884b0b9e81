import { afterAll, describe, expect, it } from "vitest";
import { WorkerRig } from "../support/worker-rig.ts";
import { countTests } from "./count-tests.ts";
import { script } from "./go-only.ts";
import { eventually } from "./news.ts";
import { type Place, placesForFile } from "./places.ts";
import { goSide, nodeSide } from "./sides.ts";

const places = await placesForFile();
const workers = await WorkerRig.create();
afterAll(() => workers.stop());

countTests("fleet-scenarios");

/** As if the leases of a queue had run out a while ago: a crash shows to others by nothing but that. */
async function ageLeases({ raw }: Place, queue: string, seconds: number): Promise<void> {
  const lease = `asynq:{${queue}}:lease`;
  for (const id of await raw.zrange(lease, "0", "-1")) await raw.zincrby(lease, String(-seconds), id);
}

describe.each(places)("kill -9, on $name", (place) => {
  const { url } = place;

  it("of Go: ours recovers its task and runs it", async () => {
    const queue = "go-dies";
    const go = await goSide(url);
    const node = nodeSide(url);
    await go.enqueue({
      type: "t",
      payload: script({ wait: true }, {}),
      options: { queue, taskId: "one", retention: "1h" },
    });
    await go.serve(queue);
    await eventually("Go runs it", () => go.attempts.length === 1);
    await go.peer.kill();
    await ageLeases(place, queue, 120);
    await node.serve(queue);
    await eventually("ours runs it", () => node.attempts.length === 1);
    expect(node.attempts).toMatchObject([{ task: "one", retried: 1 }]);
    const done = async () => (await node.inspector.getTaskInfo({ queue, id: "one" })).state === "completed";
    await eventually("it has succeeded", done);
    expect(await node.inspector.getTaskInfo({ queue, id: "one" })).toMatchObject({
      lastError: expect.stringContaining("lease expired"),
    });
    expect(await node.inspector.fsck()).toMatchObject({ findings: [] });
  });

  it("of ours: Go recovers its task and runs it", async () => {
    const queue = "node-dies";
    const go = await goSide(url);
    const node = nodeSide(url);
    const worker = await workers.start({ url, queue });
    // Ours reads it as a task that waits until it is released; Go, as one without a script, which succeeds.
    const payload = JSON.stringify({ is: "heedless" });
    await go.enqueue({ type: "t", payload, options: { queue, taskId: "one", retention: "1h" } });
    await worker.said("started", "one");
    await worker.kill();
    await ageLeases(place, queue, 120);
    // Go looks for what was left when it starts.
    await go.serve(queue);
    await eventually("Go runs it", () => go.attempts.length === 1);
    expect(go.attempts).toMatchObject([{ task: "one", retried: 1 }]);
    const done = async () => (await node.inspector.getTaskInfo({ queue, id: "one" })).state === "completed";
    await eventually("it has succeeded", done);
    expect(await node.inspector.fsck()).toMatchObject({ findings: [] });
  });
});
