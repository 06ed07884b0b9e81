import { afterAll, expect, it } from "vitest";
import { ClusterRig } from "./cluster-rig.ts";
import { checkInvariants } from "./invariants.ts";

const rig = await ClusterRig.start();
afterAll(() => rig.stop());

it("serves every slot, and is judged on every node", async () => {
  const client = rig.client();
  const queues = ["a", "b", "c", "d", "e", "f"];
  for (const queue of queues) await client.lpush(`asynq:{${queue}}:pending`, "ghost");
  const { violations } = await checkInvariants(client);
  expect(violations.filter(({ invariant }) => invariant === "I3")).toHaveLength(queues.length);
  await rig.flush();
  expect(await checkInvariants(client)).toEqual({ violations: [], quarantined: [] });
});
