import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { Client, Task } from "../../src/index.ts";
import { RedisRig, redisForFile } from "../support/redis-rig.ts";
import { type RunningProgram, runProgram } from "../support/running-program.ts";
import { type Files, installationForFile } from "./installation.ts";

const redis = await redisForFile();
const installation = await installationForFile();

/** A worker that says what it does with a task; a slow one ends with the server, a deaf one never. */
const TYPESCRIPT: Files = {
  "worker.ts": `
    import { defineWorker, ServeMux, type Task } from "titanqueue";
    import { named } from "./name.ts";

    const mux = new ServeMux().handle<string>(named("say"), async (task: Task<string>, ctx): Promise<void> => {
      console.log("handles " + task.payload);
      if (task.payload === "slow") await new Promise((resolve) => ctx.stopping.addEventListener("abort", resolve));
      if (task.payload === "deaf") await new Promise((resolve) => setInterval(resolve, 2 ** 30));
      if (task.payload === "crash") void Promise.reject(new Error("on nobody's mind"));
      console.log("handled " + task.payload);
    });
    export default defineWorker({ mux, server: { queues: { critical: 2, default: 1 }, concurrency: 3 } });
  `,
  "name.ts": "export const named = (name: string): string => name;",
};
const JAVASCRIPT = `
  import { defineWorker } from "titanqueue";
  export default defineWorker({ mux: (task) => console.log("handled " + task.payload) });
`;
const COMMONJS = `
  const { defineWorker } = require("titanqueue");
  module.exports = { default: defineWorker({ mux: (task) => console.log("handled " + task.payload) }) };
`;

interface Given {
  readonly files?: Files;
  readonly env?: Readonly<Record<string, string>>;
  readonly typescript?: boolean;
}

function worker(words: readonly string[], { files = TYPESCRIPT, env, typescript = true }: Given = {}) {
  const cwd = installation.project(files, { typescript });
  return runProgram([installation.bin, "worker", ...words], { cwd, ...(env && { env }) });
}

async function enqueue(payload: string): Promise<void> {
  await using client = new Client(redis.url);
  await client.enqueue(new Task("say", payload));
}

describe("titanqueue worker", () => {
  it("runs a scheduler beside the server where the file has something to schedule", async () => {
    const files = {
      "worker.mjs": `
        import { defineWorker, Task } from "titanqueue";
        export default defineWorker({
          mux: (task, ctx) => console.log("handled " + task.type + " of " + ctx.tick.toISOString()),
          schedule: async (scheduler) => {
            await scheduler.register("@every 1s", new Task("beat"));
          },
        });
      `,
    };
    const { child, line, ended } = worker(["worker.mjs"], {
      files,
      env: { TITANQUEUE_URL: redis.url },
      typescript: false,
    });
    expect(await line("handled beat")).toMatch(/beat of \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z/);
    child.kill("SIGTERM");
    expect(await ended).toMatchObject({ code: 0 });
    // A tick may have come while the server ended: it is for others.
    await redis.flush();
  });

  it("tells what is wrong with a schedule, and ends", async () => {
    const files = {
      "worker.mjs": `
        import { defineWorker, Task } from "titanqueue";
        export default defineWorker({
          mux: () => undefined,
          schedule: (scheduler) => scheduler.register("61 * * * *", new Task("beat")).then(() => undefined),
        });
      `,
    };
    const { ended } = worker(["worker.mjs"], {
      files,
      env: { TITANQUEUE_URL: redis.url },
      typescript: false,
    });
    const { code, said } = await ended;
    expect(code).toBe(1);
    expect(said).toContain("the minute goes from 0 to 59; got 61");
  });

  it.each(["SIGTERM", "SIGINT"] as const)(
    "runs a TypeScript file until %s, lets tasks finish, and ends with 0",
    async (signal) => {
      const { child, line, ended } = worker(["worker.ts"], { env: { TITANQUEUE_URL: redis.url } });
      expect(await line("serving")).toMatch(/concurrency=3 queues=\{"critical":2,"default":1\}/);
      await enqueue("slow");
      await line("handles slow");
      child.kill(signal);
      await line("handled slow");
      expect(await ended).toMatchObject({ code: 0 });
    },
  );

  it("runs JavaScript without tsx, and a URL on the command line goes before the environment's", async () => {
    const files = { "worker.mjs": JAVASCRIPT };
    const env = { TITANQUEUE_URL: "redis://127.0.0.1:1" };
    const { child, line, ended } = worker(["worker.mjs", "--url", redis.url], {
      files,
      env,
      typescript: false,
    });
    await line("serving");
    await enqueue("this");
    await line("handled this");
    child.kill("SIGTERM");
    expect(await ended).toMatchObject({ code: 0 });
  });

  it.each([
    ["CommonJS", "worker.cjs", COMMONJS],
    ["TypeScript in a CommonJS package", "worker.ts", TYPESCRIPT["worker.ts"]],
  ])("runs %s", async (_, name, text = "") => {
    const files = { ...TYPESCRIPT, "package.json": "{}", [name]: text };
    const { child, line, ended } = worker([name, "--url", redis.url], { files });
    await line("serving");
    child.kill("SIGTERM");
    expect(await ended).toMatchObject({ code: 0 });
  });

  it("gives the file's own clients the same engine", async () => {
    const text = `
      import { Client, defineWorker, Task } from "titanqueue";
      void new Client().enqueue(new Task("greet", "you"));
      export default defineWorker({ mux: (task) => console.log("handled " + task.payload) });
    `;
    const { line } = worker(["worker.mjs", "--url", "memory:"], { files: { "worker.mjs": text } });
    await line("handled you");
  });

  it("ends with 3 at a second signal, when something is left to recovery", async () => {
    const { child, line, ended } = worker(["worker.ts", "--url", redis.url]);
    await line("serving");
    await enqueue("deaf");
    await line("handles deaf");
    child.kill("SIGTERM");
    await line("shutting down");
    child.kill("SIGTERM");
    expect(await ended).toMatchObject({ code: 3 });
  });

  it("ends with 1 and the place when nobody catches an error", async () => {
    const { line, ended } = worker(["worker.ts", "--url", redis.url]);
    await line("serving");
    await enqueue("crash");
    await line("shut down");
    const { code, said } = await ended;
    expect(code).toBe(1);
    expect(said).toMatch(/Error: on nobody's mind\n\s+at .*worker\.ts/);
  });

  it("ends with 1, and without a password in what it says, when Redis does not let it in", async () => {
    const guarded = await RedisRig.start({ password: "sesame" });
    onTestFinished(() => guarded.stop());
    const url = guarded.url.replace("sesame", "open-barley");
    const { code, said } = await worker(["worker.ts", "--url", url]).ended;
    expect(code).toBe(1);
    expect(said).toMatch(/^titanqueue: .*(password|WRONGPASS)/m);
    expect(said).not.toContain("barley");
  });
});

describe("a worker's health", () => {
  it("is 503 until Redis answers, and 200 from then on", async () => {
    const late = await RedisRig.start();
    onTestFinished(() => late.stop());
    await late.crash();
    const { line } = worker(["worker.ts", "--url", late.url, "--health-port", "0"]);
    const [, address = ""] = /health at (http:\/\/127\.0\.0\.1:\d+)$/.exec(await line("health at")) ?? [];
    await line("the engine does not answer");
    const before = await fetch(address);
    expect(before.status).toBe(503);
    expect(await before.json()).toMatchObject({ status: "starting", error: expect.any(String), running: 0 });

    await late.restart();
    await line("serving");
    const after = await fetch(`${address}/healthz`);
    expect(after.status).toBe(200);
    expect(await after.json()).toEqual({
      status: "ready",
      since: expect.stringMatching(/^\d{4}-/),
      running: 0,
      zombies: 0,
    });
    expect((await fetch(address, { method: "HEAD" })).status).toBe(200);
    expect((await fetch(address, { method: "POST" })).status).toBe(405);
  });

  it("is 503 while the worker lets its tasks finish", async () => {
    const { child, line } = worker(["worker.ts", "--url", redis.url, "--health-port=0", "--health-host=::1"]);
    const [, address = ""] = /health at (http:\/\/\[::1\]:\d+)$/.exec(await line("health at")) ?? [];
    await line("serving");
    await enqueue("deaf");
    await line("handles deaf");
    child.kill("SIGTERM");
    await line("shutting down");
    const response = await fetch(address);
    expect([response.status, await response.json()]).toMatchObject([503, { status: "stopping", running: 1 }]);
    child.kill("SIGTERM");
  });

  it("is not started beside another program's port", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    onTestFinished(() => void other.close());
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    const { code, said } = await worker(["worker.ts", "--url", redis.url, "--health-port", `${port}`]).ended;
    expect(code).toBe(1);
    expect(said).toContain(`port ${port} of 127.0.0.1 is taken; choose another --health-port`);
    expect(said).not.toContain("serving");
  });
});

const ends = ({ ended }: RunningProgram) => ended;

describe("titanqueue worker refuses", () => {
  it.each<[what: string, words: readonly string[], says: RegExp, files?: Files]>([
    [
      "a file that is not there",
      ["wroker.ts"],
      /there is no file wroker\.ts \(did you mean "worker\.ts"\?\)/,
    ],
    ["a file without its ending", ["worker"], /there is no file worker \(did you mean "worker\.ts"\?\)/],
    ["a file in a directory that is not there", ["src/worker.ts"], /there is no file src\/worker\.ts$/m],
    ["a file in a file", ["worker.ts/worker.ts"], /there is no file worker\.ts\/worker\.ts$/m],
    ["a directory", ["."], /\. is not a file/],
    ["what is no program", ["package.json"], /package\.json is not a worker file; expected one of \.ts/],
    ["no file", [], /missing required argument 'file'/],
    ["no engine", ["worker.ts"], /no engine: set TITANQUEUE_URL/],
    ["a port that is none", ["worker.ts", "--health-port", "http"], /Expected a number from 0 to 65535/],
    ["an option that it does not have", ["worker.ts", "--helth-port", "1"], /Did you mean --health-port\?/],
    ["an engine that it does not have", ["worker.ts", "--url", "rediss+x://:pw@h"], /no engine serves/],
    ["a URL that is none", ["worker.ts", "--url", "redis://me:6/pw@127.0.0.1"], /redis: URL: db is not a/],
  ])("%s", async (_, words, says, files) => {
    const { code, said } = await ends(worker(words, files && { files }));
    expect(said).toMatch(says);
    expect(said).not.toMatch(/pw@/);
    expect(code).toBe(2);
  });

  it.each([
    ["nothing", "", /does not export a worker: end it with `export default defineWorker\(\{ mux \}\)`/],
    ["something else", "export default { mux: () => 1 };", /its default export is something else; write/],
    [
      "a worker by name",
      'import { defineWorker } from "titanqueue"; export const mine = defineWorker({ mux: () => 1 });',
      /"mine" is one; export it with `export default mine`/,
    ],
  ])("a file that exports %s", async (_, text, says) => {
    const { code, said } = await ends(worker(["w.mjs", "--url", "memory:"], { files: { "w.mjs": text } }));
    expect(said).toMatch(says);
    expect(code).toBe(2);
  });
});

describe("TypeScript without tsx", () => {
  it("is run by a Node.js that can, and names the remedy where none can", async () => {
    const { child, line, ended } = worker(["worker.ts", "--url", redis.url], { typescript: false });
    if ("typescript" in process.features) {
      await line("serving");
      child.kill("SIGTERM");
      expect(await ended).toMatchObject({ code: 0 });
    } else {
      const { code, said } = await ended;
      expect(said).toMatch(
        /worker\.ts is TypeScript, which Node\.js \d+\.\d+\.\d+ needs tsx for: npm install tsx/,
      );
      expect(code).toBe(2);
    }
  });
});

describe("TypeScript that is more than types", () => {
  it("is run by tsx, and names that remedy where Node.js is on its own", async () => {
    const text = `
      import { defineWorker } from "titanqueue";
      enum Answer { all = 42 }
      console.log("it is", Answer.all);
      export default defineWorker({ mux: () => undefined });
    `;
    const { line } = worker(["w.ts", "--url", "memory:"], { files: { "w.ts": text } });
    if (!("typescript" in process.features)) await line("it is 42");
    else {
      await line('npm install tsx, and set NODE_OPTIONS="--import tsx"');
      await line("enum Answer");
      const env = { NODE_OPTIONS: "--import tsx" };
      await worker(["w.ts", "--url", "memory:"], { files: { "w.ts": text }, env }).line("it is 42");
    }
  });
});

describe("a worker file that cannot be loaded", () => {
  it.each([
    ["JavaScript", "bad.mjs", "const x = 1;\nconst y = ;", /bad\.mjs:2\nconst y = ;\n\s+\^\n\nSyntaxError/],
    ["TypeScript", "bad.ts", "const x = 1;\nconst y: number = ;", /bad\.ts:2/],
    [
      "a file that throws",
      "bad.ts",
      'throw new Error("no SMTP_URL");',
      /Error: no SMTP_URL\n\s+at .*bad\.ts:1/,
    ],
    ["an import that is not there", "bad.mjs", 'import "./gone.mjs";', /Cannot find module .*gone\.mjs/],
    [
      "a wrong option",
      "bad.mjs",
      'import { defineWorker } from "titanqueue";\ndefineWorker({ mux: () => 1, server: { concurency: 1 } });',
      /concurency: .*did you mean "concurrency"[\s\S]*bad\.mjs:2/,
    ],
  ])("says where: %s", async (_, name, text, says) => {
    const { code, said } = await ends(worker([name, "--url", "memory:"], { files: { [name]: text } }));
    expect(said).toContain(`titanqueue: cannot load ${name}:\n`);
    expect(said).toMatch(says);
    expect(code).toBe(1);
  });
});
