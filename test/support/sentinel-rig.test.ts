import { Redis } from "ioredis";
import { afterAll, expect, it } from "vitest";
import { SentinelRig } from "./sentinel-rig.ts";

const rig = await SentinelRig.start();
afterAll(() => rig.stop());

it("promotes the replica when the primary dies", async () => {
  const [, hosts = "", master] = /^redis-sentinel:\/\/(.*)\/0\?master=(.*)$/.exec(rig.url) ?? [];
  const sentinels = hosts.split(",").map((host) => ({ host: "127.0.0.1", port: Number(host.split(":")[1]) }));
  const client = new Redis({ sentinels, name: master ?? "" });
  // It loses its primary, as intended.
  client.on("error", () => undefined);
  try {
    await client.set("a", "1");
    expect(await client.wait(1, 1000)).toBe(1);
    await rig.primary.crash();
    await rig.promoted(rig.replica);
    expect(await client.get("a")).toBe("1");
    expect(await rig.replica.client().info("replication")).toContain("role:master");
  } finally {
    client.disconnect();
  }
});
