import { expect, it } from "vitest";
import { Task } from "../../src/index.ts";
import type { AuditLine } from "../../src/monitor/index.ts";
import { MonitorRig } from "./monitor-rig.ts";

it("says of an operation which tasks it was for, when it begins and when it ends", async () => {
  const rig = await MonitorRig.start();
  await rig.client.enqueue(new Task("t"), { queue: "low", group: "a b", taskId: "one" });
  await rig.client.enqueue(new Task("t"), { queue: "low", taskId: "two" });
  const lines = async () => (await rig.send("/api/audit")).json.lines as AuditLine[];
  const onOf = async (body: object) => {
    const before = (await lines()).length;
    await rig.change("/api/operations", { body: { action: "archive", filter: "", ...body } });
    await expect.poll(async () => (await lines()).length, { interval: 5 }).toBe(before + 2);
    // They stand in either order: the answer may come after the end.
    return (await lines()).slice(0, 2).map(({ on }) => on);
  };
  const both = (on: string) => [on, on];
  const group = await onOf({ queues: ["low"], group: "a b" });
  expect(group.sort()).toEqual(['low group "a b"', 'low state:aggregating group "a b"']);
  expect(await onOf({ queues: ["low"], states: ["pending"], filter: "type:t" })).toEqual(
    both("low state:pending type:t"),
  );
  const failures = await onOf({ fingerprint: "0123456789abcdef", filter: "type:t" });
  expect(failures.sort()).toEqual([
    "state:retry type:t failures 0123456789abcdef",
    "type:t failures 0123456789abcdef",
  ]);
  expect(await onOf({})).toEqual(both(""));
});

it("keeps no more of a long list of queues than can be read", async () => {
  const rig = await MonitorRig.start();
  const queues = Array.from({ length: 100 }, (_, nth) => `q${nth}`);
  await rig.client.enqueueBatch(queues.map((queue) => ({ task: new Task("t"), options: { queue } })));
  await rig.change("/api/operations", { body: { action: "archive", filter: "", queues } });
  const [line] = (await rig.send("/api/audit")).json.lines as AuditLine[];
  expect(line?.on).toMatch(/^q0 q1 .* q19 and 80 more$/);
});
