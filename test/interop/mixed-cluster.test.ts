import { afterAll, describe, expect, it } from "vitest";
import { ClusterRig } from "../support/cluster-rig.ts";
import { countTests } from "./count-tests.ts";
import { fleetScenarios } from "./fleet-scenarios.ts";
import { script } from "./go-only.ts";
import { goQueue } from "./go-shape.ts";
import { eventually, hearKeys } from "./news.ts";
import { goSide, nodeSide } from "./sides.ts";

const rig = await ClusterRig.start();
afterAll(() => rig.stop());
for (const node of rig.nodes) await hearKeys(node);

countTests("fleet-scenarios");

describe.each([
  ["Go", "Node"],
  ["Node", "Go"],
] as const)("on a Cluster, a task that %s enqueues and %s runs", (producing, _) => {
  fleetScenarios(rig.url, producing);
});

it("on a Cluster, both see each other's queues and servers as they are", async () => {
  const node = nodeSide(rig.url);
  const go = await goSide(rig.url);
  await node.serve("served-by-node");
  await go.serve("served-by-go");
  const ids = { one: "served-by-node", two: "served-by-go" };
  for (const [taskId, queue] of Object.entries(ids)) {
    for (const side of [node, go])
      await side.enqueue({
        type: "t",
        payload: script({ wait: true }),
        options: { queue, taskId: `${taskId}-${side.name}` },
      });
  }
  await eventually("both work", () => node.attempts.length === 2 && go.attempts.length === 2);
  for (const queue of Object.values(ids)) {
    const ours = await node.inspector.getQueueInfo(queue);
    expect(ours).toMatchObject({ active: 2, size: 2 });
    expect(await go.peer.inspect("GetQueueInfo", queue)).toMatchObject(goQueue(ours));
  }
  const servers = await node.inspector.servers();
  const theirs = await go.peer.inspect<{ ID: string }[]>("Servers");
  // Those that ended without a word are there, too, until their records have run out.
  expect(servers.map(({ id }) => id).sort()).toEqual(theirs.map(({ ID }) => ID).sort());
  for (const [queue, pid] of [
    [ids.one, process.pid],
    [ids.two, go.peer.pid],
  ] as const)
    expect(servers.filter(({ queues }) => Object.hasOwn(queues, queue))).toMatchObject([{ pid }]);
  expect(await node.inspector.fsck()).toMatchObject({ findings: [] });
});
