import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { expect } from "vitest";
import { Task } from "../../../src/index.ts";
import { Authentication } from "../../../src/monitor/authentication.ts";
import { FakeClock, fakeRuntime } from "../../../src/testing/index.ts";
import { basic, MonitorRig } from "../monitor-rig.ts";
import { ADA, auth, type Requirements, status, tokens, users, withTask } from "./people.ts";

function clocked() {
  const clock = new FakeClock();
  return { clock, runtime: { ...fakeRuntime({ seed: 1 }), clock } };
}

/** Connected, and silent. */
async function idle(rig: MonitorRig): Promise<Socket> {
  const socket = connect(Number(rig.url.port), rig.url.hostname);
  socket.on("error", () => undefined);
  await once(socket, "connect");
  return socket;
}

/** Milliseconds until a socket is closed by the other side. */
async function closing(socket: Socket): Promise<number> {
  const began = performance.now();
  socket.resume();
  await once(socket, "close");
  return performance.now() - began;
}

export const LIMITS: Requirements = {
  "S03 passwords cannot be tried at leisure": {
    "a hundred at once are no more than ten": async () => {
      const { runtime } = clocked();
      const rig = await MonitorRig.start({ auth, runtime });
      const tries = Array.from({ length: 100 }, (_, at) =>
        status(rig.send("/api/queues", { headers: basic("ada", `wrong${at}`) })),
      );
      const answers = await Promise.all(tries);
      expect(answers.filter((code) => code === 401)).toHaveLength(10);
      expect(answers.filter((code) => code === 429)).toHaveLength(90);
    },
    "a page of many requests is one login": async () => {
      const { runtime } = clocked();
      const rig = await MonitorRig.start({ auth, runtime });
      const answers = await Promise.all(
        Array.from({ length: 40 }, () => status(rig.send("/api/session", { headers: ADA }))),
      );
      expect(new Set(answers)).toEqual(new Set([200]));
    },
    "tokens and names that nobody has are counted, too": async () => {
      const { runtime } = clocked();
      const rig = await MonitorRig.start({ auth, runtime });
      for (let wrong = 0; wrong < 10; wrong += 1) {
        const headers =
          wrong % 2 === 0
            ? { authorization: `Bearer wrong-token-${wrong}` }
            : basic(`nobody${wrong}`, "right");
        expect(await status(rig.send("/api/queues", { headers }))).toBe(401);
      }
      const headers = { authorization: `Bearer ${tokens[0]!.token}` };
      expect(await status(rig.send("/api/queues", { headers }))).toBe(429);
    },
    "nor from all addresses of a network, nor by a made-up one": async () => {
      const { clock } = clocked();
      const authentication = new Authentication(() => ({ users, tokens }), clock);
      const wrong = (client: string) => authentication.visitorOf("Bearer wrong-wrong-wrong", client);
      for (let at = 0; at < 10; at += 1) {
        await expect(wrong(`2001:db8:0:1::${at.toString(16)}`)).rejects.toMatchObject({ status: 401 });
      }
      await expect(wrong("2001:DB8::1:ffff:0:0:1")).rejects.toMatchObject({ status: 429 });
      await expect(wrong("2001:db8:0:2::1")).rejects.toMatchObject({ status: 401 });
      const rig = await MonitorRig.start({ auth, runtime: clocked().runtime });
      const codes: number[] = [];
      for (let at = 0; at < 11; at += 1) {
        const headers = { ...basic("ada", `wrong${at}`), "x-forwarded-for": `192.0.2.${at}` };
        codes.push(await status(rig.send("/api/queues", { headers })));
      }
      expect(codes.at(-1)).toBe(429);
    },
    "and others may log in meanwhile": async () => {
      const { runtime } = clocked();
      const rig = await MonitorRig.start({ auth, runtime, trustProxy: true });
      const from = (address: string) => ({ "x-forwarded-for": address });
      for (let wrong = 0; wrong < 11; wrong += 1) {
        await rig.send("/api/queues", {
          headers: { ...basic("ada", `wrong${wrong}`), ...from("192.0.2.1") },
        });
      }
      const asked = (address: string) =>
        status(rig.send("/api/session", { headers: { ...ADA, ...from(address) } }));
      expect([await asked("192.0.2.1"), await asked("192.0.2.2")]).toEqual([429, 200]);
    },
    "without auth, a proxy on this machine lets nobody else in": async () => {
      const rig = await MonitorRig.start({ allowedHosts: ["queues.example.com"] });
      const ask = (from: string) => {
        const headers = { host: "queues.example.com", "x-forwarded-for": from };
        return status(rig.send("/api/queues", { headers }));
      };
      for (const from of ["192.0.2.7", "127.0.0.1, 192.0.2.7", "192.0.2.7, 127.0.0.1"]) {
        expect([from, await ask(from)]).toEqual([from, 403]);
      }
      for (const from of ["127.0.0.1", "::1, 127.0.0.1", ""])
        expect([from, await ask(from)]).toEqual([from, 200]);
    },
    "without auth, a header makes nobody local": async () => {
      const rig = await MonitorRig.start({ trustProxy: true });
      const ask = (address: string, forwarded: string) =>
        rig.monitor.fetch(
          new Request(`${rig.url.origin}/api/queues`, {
            headers: { host: rig.url.host, "x-forwarded-for": forwarded },
          }),
          { address },
        );
      expect((await ask("192.0.2.7", "127.0.0.1")).status).toBe(403);
      expect((await ask("127.0.0.1", "192.0.2.7")).status).toBe(403);
      expect((await ask("127.0.0.1", "127.0.0.1")).status).toBe(200);
    },
  },
  "S14 sizes are limited": {
    "500 silent connections keep nobody waiting": async () => {
      const rig = await withTask();
      const sockets = await Promise.all(Array.from({ length: 500 }, () => idle(rig)));
      const times: number[] = [];
      for (let ask = 0; ask < 5; ask += 1) {
        const began = performance.now();
        expect(await status(rig.send("/api/queues"))).toBe(200);
        times.push(performance.now() - began);
      }
      expect(Math.min(...times)).toBeLessThan(200);
      for (const socket of sockets) socket.destroy();
    },
    "bodies and headers that trickle are cut off within 30 s, and so are those who say nothing": async () => {
      const rig = await MonitorRig.start();
      const head = "POST /api/tasks HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
      const trickling = async (beginning: string) => {
        const socket = await idle(rig);
        socket.write(beginning);
        const timer = setInterval(() => socket.write("x"), 4_000);
        const took = await closing(socket);
        clearInterval(timer);
        return took;
      };
      const took = await Promise.all([
        trickling(`${head}Content-Length: 1000\r\n\r\n{`),
        trickling(`${head}X-Slow: `),
        idle(rig).then(closing),
      ]);
      for (const ms of took) expect(ms).toBeLessThan(30_000);
    },
    "a page of a table holds no more than its beginning of each payload": async () => {
      const rig = await MonitorRig.start();
      const payload = new TextEncoder().encode("y".repeat(1_000_000));
      for (let at = 0; at < 5; at += 1) await rig.client.enqueue(new Task("big", payload));
      const { text } = await rig.send("/api/queues/default/tasks?state=pending&page_size=500");
      expect(text.length).toBeLessThan(10_000);
    },
  },
};
