import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { Client, createEngine, Task } from "../../../src/index.ts";
import { hashPassword } from "../../../src/monitor/index.ts";
import { consoleLogger } from "../../../src/runtime/logger.ts";
import { runProgram } from "../../support/running-program.ts";
import { basic, MonitorRig } from "../monitor-rig.ts";
import { ADA, auth, type Requirements } from "./people.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));

/** The command, from its sources. */
function run(words: readonly string[], env: Readonly<Record<string, string>> = {}) {
  return runProgram(["--import", "tsx", "src/cli/main.ts", ...words], { cwd: root, env });
}

async function inDirectory(check: (directory: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "tq-security-"));
  try {
    await check(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Addresses, in hexadecimal as Linux has them, on which something listens at a port. */
function listeningAt(port: number): string[] {
  const wanted = port.toString(16).toUpperCase().padStart(4, "0");
  return ["/proc/net/tcp", "/proc/net/tcp6"]
    .filter((file) => existsSync(file))
    .flatMap((file) => readFileSync(file, "utf8").split("\n").slice(1))
    .flatMap((line) => {
      const [, local = "", , state] = line.trim().split(/\s+/);
      const [address = "", at] = local.split(":");
      // 0A: it listens.
      return at === wanted && state === "0A" ? [address] : [];
    });
}

export const COMMAND: Requirements = {
  "S01 listens on this machine alone": {
    "as the system sees it": async () => {
      const rig = await MonitorRig.start();
      expect(listeningAt(Number(rig.url.port))).toEqual(["0100007F"]);
    },
    "the command ends with 2, and names the flag": async () => {
      const { code, said } = await run(["monitor", "--url", "memory:", "--host", "0.0.0.0", "--port", "0"])
        .ended;
      expect(code).toBe(2);
      expect(said).toContain("--host 0.0.0.0");
    },
  },
  "S22 a terminal obeys nobody's payload": {
    "as text and as JSON": () =>
      inDirectory(async (directory) => {
        const url = `sqlite:${join(directory, "tasks.db")}`;
        const evil =
          "\x1b]0;owned\x07\x1b[2J\x1b]8;;http://evil\x07\x1b]52;c;eA==\x07\rOVER\u202eb\u2066c\u009b2J\u2028";
        const client = new Client(createEngine(url));
        await client.enqueue(new Task(`type${evil}`, Buffer.from(`payload${evil}`)), { taskId: "evil" });
        await client.close();
        const words = ["task", "inspect", "evil", "-q", "default", "--url", url];
        const text = await run(words).ended;
        const json = await run([...words, "--json"]).ended;
        for (const { code, said } of [text, json]) {
          expect([code, said.includes("owned")]).toEqual([0, true]);
          // biome-ignore lint/suspicious/noControlCharactersInRegex: they must not be there
          expect(said).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202a-\u202e\u2066-\u2069]/);
        }
        expect(text.said).toContain("\\x1b");
        expect(JSON.stringify(JSON.parse(json.said))).toContain("owned");
      }),
  },
  "S24 one event is one line, and holds no payload": {
    "whatever a field holds": async () => {
      const lines: string[] = [];
      const { error } = console;
      console.error = (line: string) => lines.push(line);
      try {
        const rig = await MonitorRig.start({ auth, logger: consoleLogger });
        const name = "low\n2030-01-01T00:00:00.000Z INFO  titanqueue: forged\r\x1b[2J\u2028x";
        await rig.client.enqueue(new Task("a"), { queue: name, taskId: "x" });
        await rig.change(`/api/queues/${encodeURIComponent(name)}/pause`, { headers: ADA });
      } finally {
        console.error = error;
      }
      expect(lines.length).toBeGreaterThan(0);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they must not be there
      for (const line of lines) expect(line).not.toMatch(/[\x00-\x1f\x7f-\x9f\u2028\u2029]/);
    },
    "and no secret, of all that the monitor's command says": () =>
      inDirectory(async (directory) => {
        const file = join(directory, "auth");
        writeFileSync(file, `vera:${await hashPassword("canary-of-vera")}:view\n`);
        chmodSync(file, 0o644);
        const url = `sqlite:${join(directory, "tasks.db")}`;
        const client = new Client(createEngine(url));
        const payload = { password: "canary-payload" };
        await client.enqueue(new Task("a", payload), { queue: "low", taskId: "one", processIn: "1h" });
        const program = run(["monitor", "--url", url, "--port", "0", "--auth-file", file], {
          TITANQUEUE_MONITOR_USER: "ada",
          TITANQUEUE_MONITOR_PASSWORD: "canary-of-ada",
          TITANQUEUE_MONITOR_TOKEN: "canary-token-of-a-program",
        });
        const [address = ""] = /http:\S+/.exec(await program.line(" at http:")) ?? [];
        const ask = async (path: string, headers: Record<string, string>, method = "GET") => {
          const type = { "content-type": "application/json" };
          return (await fetch(`${address}${path}`, { method, headers: { ...type, ...headers } })).status;
        };
        const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
        expect(await ask("api/queues", basic("ada", "canary-of-ada"))).toBe(200);
        expect(await ask("api/queues", basic("vera", "canary-of-vera"))).toBe(200);
        expect(await ask("api/queues", basic("ada", "canary-wrong"))).toBe(401);
        expect(await ask("api/queues", bearer("canary-wrong-token-here"))).toBe(401);
        const admin = bearer("canary-token-of-a-program");
        expect(await ask("api/queues/low/tasks/one", admin)).toBe(200);
        expect(await ask("api/queues/low/tasks/one/archive", admin, "POST")).toBe(204);
        expect(await ask("api/queues/low/tasks/none/archive", admin, "POST")).toBe(404);
        program.child.kill("SIGTERM");
        const { code, said } = await program.ended;
        await client.close();
        expect([code, said.includes("changed through the monitor")]).toEqual([0, true]);
        expect(said).not.toMatch(/canary|scrypt\$/);
        // The file lets others read hashes, and says so.
        expect(said).toContain("chmod 600");
      }),
  },
  "S25 secrets stay hidden from those who look": {
    "a password on the command line is warned of, and not printed": async () => {
      const url = "redis://:canary-password@127.0.0.1:1";
      const { said } = await run(["queue", "ls", "--url", url]).ended;
      expect(said).toMatch(/warning.*(?:ps|command line)/i);
      expect(said).toContain("127.0.0.1:1");
      expect(said).not.toContain("canary");
    },
  },
};
