import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { RedisRig, type RedisRigOptions } from "./redis-rig.ts";

const rigs: RedisRig[] = [];

async function start(options?: RedisRigOptions): Promise<RedisRig> {
  const rig = await RedisRig.start(options);
  rigs.push(rig);
  return rig;
}

afterEach(async () => {
  for (const rig of rigs.splice(0)) await rig.stop();
});

describe("RedisRig", () => {
  it("keeps what an aof-always server acknowledged through a crash", async () => {
    const rig = await start({ mode: "aof-always" });
    await rig.client().set("a", "1");
    await rig.crash();
    await rig.restart();
    expect(await rig.client().get("a")).toBe("1");
  });

  it("loses everything in a crash without persistence, on the same port", async () => {
    const rig = await start();
    const { port, pid } = rig;
    await rig.client().set("a", "1");
    await rig.crash();
    await rig.restart();
    expect(await rig.client().get("a")).toBeNull();
    expect(rig.port).toBe(port);
    expect(rig.pid).not.toBe(pid);
  });

  it("freezes and thaws: nobody answers in between, and the connection lives on", async () => {
    const rig = await start();
    const client = rig.client();
    await client.ping();
    rig.pause();
    let answered = false;
    const answer = client.ping().then(() => {
      answered = true;
    });
    for (let turn = 0; turn < 1000; turn += 1) await new Promise(setImmediate);
    expect(answered).toBe(false);
    rig.resume();
    await answer;
  });

  it("refuses writes beyond maxmemory, until the limit is lifted", async () => {
    const rig = await start();
    const client = rig.client();
    await rig.setMaxmemory(-1);
    await expect(client.set("a", "1")).rejects.toThrow("OOM");
    await rig.setMaxmemory("off");
    await client.set("a", "1");
  });

  it("asks for a password when it was given one", async () => {
    const rig = await start({ password: "p@ss word" });
    expect(await rig.client().ping()).toBe("PONG");
    await expect(rig.client({ password: "wrong", maxRetriesPerRequest: 0 }).ping()).rejects.toThrow();
  });

  it("says why a server does not start", async () => {
    await expect(RedisRig.start({ config: { "no-such-directive": 1 } })).rejects.toThrow("no-such-directive");
  });

  it("leaves neither process nor directory behind when stopped", async () => {
    const rig = await start();
    const { pid, socket } = rig;
    await rig.stop();
    expect(() => process.kill(pid, 0)).toThrow("ESRCH");
    expect(existsSync(dirname(socket))).toBe(false);
  });
});
