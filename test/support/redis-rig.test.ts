import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { connect } from "node:net";
import { dirname } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { RedisRig, type RedisRigOptions, redisProgram } from "./redis-rig.ts";
import { until } from "./server-process.ts";

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

  it("speaks TLS to those who trust its certificate", async () => {
    const rig = await start({ tls: true });
    expect(rig.url).toMatch(/^rediss:/);
    expect(await rig.client().ping()).toBe("PONG");
    await expect(rig.client({ tls: {}, maxRetriesPerRequest: 0 }).ping()).rejects.toThrow();
  });

  it("has a replica in step", async () => {
    const primary = await start({ password: "secret" });
    await primary.client().set("a", "1");
    const replica = await start({ replicaOf: primary, password: "secret" });
    expect(await replica.client().get("a")).toBe("1");
    await expect(replica.client().set("a", "2")).rejects.toThrow("READONLY");
  });

  it("takes server and directory with it when the parent is killed", async () => {
    const server = new URL("./server-process.ts", import.meta.url).href;
    const script = `
      const { mkdtempSync } = await import("node:fs");
      const { ServerProcess } = await import(${JSON.stringify(server)});
      const directory = mkdtempSync("/tmp/tq-orphan-");
      const args = ["--port", "0", "--unixsocket", directory + "/s.sock", "--save", "", "--dir", directory];
      await ServerProcess.start(${JSON.stringify(await redisProgram())}, args, directory);
      console.log(directory);
      setInterval(() => {}, 1000);`;
    const parent = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script]);
    const [line] = (await once(parent.stdout, "data")) as [Buffer];
    const directory = String(line).trim();
    const link = connect(`${directory}/s.sock`);
    await once(link, "connect");
    parent.kill("SIGKILL");
    await once(link.resume(), "close");
    await until(async () => !existsSync(directory));
  });
});
