import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { describe, expect, it, onTestFinished } from "vitest";
import { candidates } from "../../src/cli/completion.ts";
import { titanqueue } from "../../src/cli/program.ts";
import { Task } from "../../src/task.ts";
import { RedisRig } from "../support/redis-rig.ts";
import { freePort } from "../support/server-process.ts";
import { installationForFile } from "./installation.ts";
import { bareEnvironment, Operator } from "./operator.ts";

const installation = await installationForFile();

/** Every command there is, with the words that lead to it. */
function commandsOf(command: Command, path: readonly string[] = []): [string, Command][] {
  return command.commands
    .filter((each) => !each.name().startsWith("_"))
    .flatMap((each) => {
      const words = [...path, each.name()];
      return each.commands.length > 0
        ? commandsOf(each, words)
        : [[words.join(" "), each] as [string, Command]];
    });
}
const COMMANDS = commandsOf(titanqueue({ code: 0 }));
const GUIDE = readFileSync(
  fileURLToPath(new URL("../../docs/guides/command-line.md", import.meta.url)),
  "utf8",
);

describe("every command", () => {
  it.each(COMMANDS)("%s tells how it is used", async (path, command) => {
    const at = new Operator(installation);
    const { code, out, err } = await at.run([...path.split(" "), "--help"]);
    expect([code, err]).toEqual([0, ""]);
    expect(out).toContain(`Usage: titanqueue ${path}`);
    for (const { long } of command.options) expect(out).toContain(String(long));
  });

  it.each(COMMANDS)("%s is in the guide, with each of its options and names", (path, command) => {
    const [, section = ""] = GUIDE.split(`\n### \`titanqueue ${path}`);
    const [text = ""] = section.split("\n### ");
    expect(text).not.toBe("");
    for (const { flags } of command.options) expect(text).toContain(`\`${flags}\``);
    for (const alias of command.aliases()) expect(text).toContain(`\`${alias}\``);
  });

  it("in the guide is one that there is", () => {
    const told = [...GUIDE.matchAll(/^### `titanqueue ([a-z ]+?)(?: [<[].*)?`$/gm)].map(([, path]) => path);
    expect(told.sort()).toEqual(COMMANDS.map(([path]) => path).sort());
  });
});

describe("an error", () => {
  it("of the command line says what was meant", async () => {
    const at = new Operator(installation);
    expect(await at.run(["queue", "lss"])).toMatchObject({
      code: 2,
      err: expect.stringContaining("Did you mean ls?"),
    });
    expect(await at.refusal("queue", "lss")).toEqual({
      code: 2,
      error: {
        code: "USAGE",
        message: "unknown command 'lss'\n(Did you mean ls?)",
        remedy: "`titanqueue --help` lists the commands",
      },
    });
    expect(await at.refusal("task", "ls", "-q", "a", "-s", "waiting")).toMatchObject({ code: 2 });
    expect(await at.refusal("search", "tpye:a")).toMatchObject({
      code: 2,
      error: { code: "FILTER_INVALID" },
    });
  });

  it("of an unknown queue or task names the remedy", async () => {
    const at = new Operator(installation);
    expect(await at.refusal("queue", "inspect", "none")).toEqual({
      code: 1,
      error: {
        code: "QUEUE_NOT_FOUND",
        message: 'queue "none" does not exist',
        remedy: "`titanqueue queue ls` lists the queues",
      },
    });
  });

  it("of a store that is away says where it was looked for, and shows no password", async () => {
    const at = new Operator(installation);
    const env = { TITANQUEUE_URL: `redis://me:s3cret@127.0.0.1:${await freePort()}` };
    const { code, err } = await at.run(["queue", "ls"], { env });
    expect(err).toMatch(/looked for it at redis:\/\/\*\*\*@127\.0\.0\.1:\d+ \(TITANQUEUE_URL\)/);
    expect(err).not.toContain("s3cret");
    expect(code).toBe(1);
  });

  it.each([
    ["task", "deleteall", "-q", "default", "-s", "pending"],
    ["task", "delete", "one", "-q", "default"],
    ["queue", "rm", "default", "--force"],
    ["redrive", "default"],
    ["fsck", "--repair"],
  ])("is what %s %s ends with where nobody can be asked", async (...words) => {
    const at = new Operator(installation);
    await at.client.enqueue(new Task("report"), { taskId: "one" });
    expect(await at.refusal(...words)).toMatchObject({
      code: 2,
      error: { code: "REFUSED", message: expect.stringMatching(/nobody can be asked; add --yes$/) },
    });
    expect((await at.inspector.getQueueInfo("default")).pending).toBe(1);
  });
});

describe("the store of a command", () => {
  it("is that of --url, else TITANQUEUE_URL, else the config file", async () => {
    const at = new Operator(installation);
    const store = async (words: readonly string[], url: string) => {
      const { out, err } = await at.run(["stats", "--json", ...words], { env: { TITANQUEUE_URL: url } });
      expect(err).toBe("");
      return JSON.parse(out).store;
    };
    writeFileSync(join(at.directory, "titanqueue.config.json"), '{ "url": "sqlite:config.db" }');
    expect(await store([], "")).toBe("sqlite:config.db");
    expect(await store([], "sqlite:env.db")).toBe("sqlite:env.db");
    expect(await store(["--url", "sqlite:argv.db"], "sqlite:env.db")).toBe("sqlite:argv.db");
  });

  it("is the Redis of this machine where nobody names one; a worker refuses", async () => {
    const at = new Operator(installation);
    const env = { TITANQUEUE_URL: "", XDG_CONFIG_HOME: at.directory };
    const { err } = await at.run(["queue", "ls", "--url", "redis://127.0.0.1:1"], { env });
    expect(err).toContain("(--url)");
    writeFileSync(join(at.directory, "worker.mjs"), "export default 1");
    expect(await at.run(["worker", "worker.mjs"], { env })).toMatchObject({
      code: 2,
      err: expect.stringContaining("no engine: set TITANQUEUE_URL"),
    });
  });

  it("with a password on the command line is used, with a warning", async () => {
    const redis = await RedisRig.start({ password: "s3cret" });
    onTestFinished(() => redis.stop());
    const at = new Operator(installation);
    const { code, out, err } = await at.run(["queue", "ls", "--json", "--url", redis.url]);
    expect([code, JSON.parse(out)]).toEqual([0, { queues: [] }]);
    expect(JSON.parse(err)).toMatchObject({ warning: { code: "PASSWORD_IN_ARGV" } });
    const wrong = await at.run(["queue", "ls"], {
      env: { TITANQUEUE_URL: redis.url.replace("s3cret", "wr0ng") },
    });
    expect(wrong.err).toContain("set TITANQUEUE_URL, or `url` in a config file of mode 600");
    expect(err + wrong.err).not.toMatch(/s3cret|wr0ng/);
  });
});

describe("what is printed", () => {
  it("can do nothing to the terminal, whatever tasks and queues say", async () => {
    const at = new Operator(installation);
    const evil = "\x1b]0;owned\x07\x1b[2J\u202e\u009b2J\r";
    await at.client.enqueue(new Task(`type${evil}`, Buffer.from(`payload${evil}`)), {
      queue: `queue${evil}`,
      taskId: `id${evil}`,
      headers: { [`header${evil}`]: evil },
    });
    const names = ["-q", `queue${evil}`];
    for (const words of [
      ["queue", "ls"],
      ["queue", "inspect", `queue${evil}`],
      ["queue", "inspect", `no${evil}`],
      ["task", "ls", ...names, "-s", "pending"],
      ["task", "inspect", `id${evil}`, ...names],
      ["task", "inspect", `no${evil}`, ...names],
      ["search", "type:*"],
      ["doctor"],
    ])
      for (const more of [[], ["--json"]]) {
        const { out, err } = await at.run([...words, ...more]);
        expect(out + err).toMatch(/owned/);
        // biome-ignore lint/suspicious/noControlCharactersInRegex: they must not be there
        expect(out + err).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/);
      }
  });

  it("has colours where they are wanted, and none with NO_COLOR or --no-color", async () => {
    const at = new Operator(installation);
    await at.client.enqueue(new Task("report"));
    const colored = { env: { FORCE_COLOR: "1" } };
    expect((await at.run(["queue", "ls"], colored)).out).toContain("\x1b[");
    expect((await at.run(["queue", "ls", "--no-color"], colored)).out).not.toContain("\x1b[");
    expect((await at.run(["queue", "ls"], { env: { FORCE_COLOR: "1", NO_COLOR: "1" } })).out).not.toContain(
      "\x1b[",
    );
    expect((await at.run(["queue", "ls"])).out).not.toContain("\x1b[");
  });

  it("may be read by somebody who has soon seen enough", async () => {
    const at = new Operator(installation);
    await at.client.enqueueBatch(Array.from({ length: 2_000 }, () => new Task("report", "x".repeat(200))));
    const child = spawn(
      process.execPath,
      [at.bin, "task", "ls", "-q", "default", "-s", "pending", "--all", "--jsonl"],
      {
        env: { ...bareEnvironment(), TITANQUEUE_URL: at.url },
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    onTestFinished(() => void child.kill("SIGKILL"));
    let err = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      err += text;
    });
    await once(child.stdout, "data");
    child.stdout.destroy();
    const [code] = await once(child, "close");
    expect([code, err]).toEqual([0, ""]);
  });
});

describe("completion", () => {
  const program = titanqueue({ code: 0 });

  it.each([
    [["queue", "l"], ["ls"]],
    [["task", "ls", "--state", "sch"], ["scheduled"]],
    [
      ["completion", ""],
      ["bash", "zsh", "fish"],
    ],
    [["--url", "redis://x", "queue", "res"], ["resume"]],
    [["task", "ls", "--p"], ["--page"]],
  ])("after %j offers %j", (words, offered) => {
    expect(candidates(program, words)).toEqual({ words: offered, queues: false });
  });

  it("in bash knows the names of queues", async () => {
    const at = new Operator(installation);
    await at.client.enqueue(new Task("report"), { queue: "critical" });
    await at.client.enqueue(new Task("report"), { queue: "$(touch owned)" });
    const script = `
      titanqueue() { '${process.execPath}' '${at.bin}' "$@"; }
      source <(titanqueue completion bash)
      COMP_WORDS=(titanqueue queue inspect ""); COMP_CWORD=3; _titanqueue
      printf '%s\\n' "\${COMPREPLY[@]}"`;
    const child = spawn("bash", ["-c", script], { env: { ...bareEnvironment(), TITANQUEUE_URL: at.url } });
    let out = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      out += text;
    });
    await once(child, "close");
    expect(out).toBe("critical\n");
  });

  it.each(["bash", "zsh", "fish"])("prints a script for %s", async (shell) => {
    const at = new Operator(installation);
    expect(await at.json("completion", shell)).toEqual({
      shell,
      script: expect.stringContaining("__complete"),
    });
  });
});
