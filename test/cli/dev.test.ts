import type { ChildProcess } from "node:child_process";
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type RunningProgram, runProgram } from "../support/running-program.ts";
import { type Files, installationForFile } from "./installation.ts";

const installation = await installationForFile();

/** A worker that enqueues a task as it is loaded, and says what `message.ts` tells it to. */
const GREETER: Files = {
  "worker.ts": `
    import { Client, defineWorker, ServeMux, Task } from "titanqueue";
    import { message } from "./lib/message.ts";

    const mux = new ServeMux().handle("greet", async (task): Promise<void> => {
      console.log(message + ", " + task.payload);
    });
    await new Client().enqueue(new Task("greet", "world"));
    export default defineWorker({ mux });
  `,
  "lib/message.ts": 'export const message: string = "hello";',
};

const SILENT: Files = {
  "worker.mjs": 'import { defineWorker } from "titanqueue"; export default defineWorker({ mux: () => 1 });',
};

interface Dev extends RunningProgram {
  readonly cwd: string;
  write(file: string, text: string): void;
  /** As editors do that never leave a file half written. */
  replace(file: string, text: string): void;
  remove(file: string): void;
}

function dev(files: Files, words: readonly string[] = ["worker.ts"], options: { group?: boolean } = {}): Dev {
  const cwd = installation.project(files);
  const program = runProgram([installation.bin, "dev", ...words], { cwd, ...options });
  const write = (file: string, text: string) => writeFileSync(join(cwd, file), text);
  return {
    ...program,
    cwd,
    write,
    replace: (file, text) => {
      write(`${file}~`, text);
      renameSync(join(cwd, `${file}~`), join(cwd, file));
    },
    remove: (file) => rmSync(join(cwd, file)),
  };
}

/** A worker whose one task behaves as `handler` says. */
const behaving = (handler: string, server = ""): Files => ({
  "worker.mjs": `
    import { once } from "node:events";
    import { Client, defineWorker, Task } from "titanqueue";
    await new Client().enqueue(new Task("work", undefined, { maxRetry: 3 }));
    export default defineWorker({ mux: async (task, ctx) => { ${handler} }, server: { ${server} } });
  `,
});

describe("titanqueue dev", () => {
  it("runs a worker file on a file of its own, tells of its tasks, and ends with 0 at Ctrl+C", async () => {
    const { child, line, ended } = dev(GREETER);
    expect(await line("titanqueue 0.")).toMatch(/dev .*: worker\.ts on sqlite:tasks\.db$/);
    await line("started   greet");
    await line("hello, world");
    expect(await line("done ")).toMatch(/^\d\d:\d\d:\d\d\.\d{3} done {6}greet [0-9a-f-]{36} in \d+ ms$/);
    child.kill("SIGINT");
    expect(await ended).toMatchObject({ code: 0 });
  });

  it("takes what another process enqueues, also what came while the worker file was broken", async () => {
    const worker =
      'import { defineWorker } from "titanqueue"; export default defineWorker({ mux: (task) => console.log("got " + task.payload) });';
    const enqueue = `
      import { Client, Task } from "titanqueue";
      await new Client("sqlite:tasks.db").enqueue(new Task("say", process.argv[2]));
    `;
    const { cwd, line, write } = dev({ "worker.mjs": worker, "enqueue.mjs": enqueue }, ["worker.mjs"]);
    await line("serving");
    expect(await runProgram(["enqueue.mjs", "this"], { cwd }).ended).toMatchObject({ code: 0 });
    await line("got this");
    write("worker.mjs", "oh dear");
    await line("waiting for a change");
    expect(await runProgram(["enqueue.mjs", "that"], { cwd }).ended).toMatchObject({ code: 0 });
    write("worker.mjs", worker);
    await line("got that");
  });

  it("tells why a task failed, where, and when it runs again", async () => {
    const { line, said } = dev(behaving('throw new Error("no mail\\u001b[2J server");'), ["worker.mjs"]);
    expect(await line("retry")).toMatch(/work \S+ in \d+ ms: no mail\\u001b\[2J server; again in \d+ s$/);
    expect(await line("at ")).toMatch(/^ +at .*worker\.mjs:5:\d+/);
    // Once: the server's own line would say the same.
    expect(said()).not.toContain("attempt failed");
  });

  it("reloads when a file that the worker imports changes, however the editor writes it", async () => {
    const { line, write, replace } = dev(GREETER);
    await line("hello, world");
    write("lib/message.ts", 'export const message = "good morning";');
    await line("message.ts has changed: reloading");
    await line("good morning, world");
    replace("lib/message.ts", 'export const message = "good night";');
    await line("message.ts has changed: reloading");
    await line("good night, world");
  });

  it("reloads when a CommonJS file changes that another one requires", async () => {
    const files = {
      "package.json": "{}",
      "worker.js": 'module.exports = require("./inner.js");',
      "inner.js": `
        const { defineWorker } = require("titanqueue");
        console.log("version", require("./version.js"));
        module.exports = defineWorker({ mux: () => undefined });
      `,
      "version.js": "module.exports = 1;",
    };
    const { line, write } = dev(files, ["worker.js"]);
    await line("version 1");
    await line("serving");
    write("version.js", "module.exports = 2;");
    await line("version.js has changed: reloading");
    await line("version 2");
  });

  it("lets a running task finish before it reloads", async () => {
    const files = behaving(`
      console.log("begun");
      await once(ctx.stopping, "abort");
      console.log("finished");
    `);
    const { line, write } = dev(files, ["worker.mjs"]);
    await line("begun");
    write("worker.mjs", 'console.log("anew"); throw new Error("and no further");');
    await line("worker.mjs has changed: reloading");
    await line("waiting for 1 task to end");
    await line("finished");
    await line("done ");
    await line("anew");
  });

  it.each([
    ["what it imports", "lib/message.ts", "export const message: string = ;", /message\.ts:1/],
    ["the worker file", "worker.ts", "export default ;", /worker\.ts:1/],
  ])(
    "survives a syntax error in %s, says where it is, and goes on when it is mended",
    async (_, file, text, place) => {
      const { line, write, said } = dev(GREETER);
      await line("hello, world");
      write(file, text);
      await Promise.all([line("cannot load worker.ts"), line("waiting for a change")]);
      expect(said()).toMatch(place);
      write(file, GREETER[file] ?? "");
      await line("has changed: reloading");
      await line("hello, world");
    },
  );

  it("finds a file that was missing as soon as it is there", async () => {
    const { line, write } = dev({ "worker.mjs": 'export { default } from "./real.mjs";' }, ["worker.mjs"]);
    await Promise.all([line("Cannot find module"), line("waiting for a change")]);
    write("real.mjs", SILENT["worker.mjs"] ?? "");
    await line("real.mjs has changed: reloading");
    await line("serving");
  });

  it("survives a crash of the worker, and a file that exports no worker", async () => {
    const { line, write } = dev(behaving("void Promise.reject(new Error('on nobody\\'s mind'));"), [
      "worker.mjs",
    ]);
    await Promise.all([
      line("Error: on nobody's mind"),
      line("the worker ended with code 1; waiting for a change"),
    ]);
    write("worker.mjs", "export const nothing = 1;");
    await Promise.all([line("worker.mjs does not export a worker"), line("waiting for a change")]);
    write("worker.mjs", behaving('console.log("well again")')["worker.mjs"] ?? "");
    await line("well again");
  });
});

/** Presses Ctrl+C again and again, as people do, until it has had its effect. */
async function insist(child: ChildProcess, effect: Promise<unknown>): Promise<void> {
  const presses = setInterval(() => child.kill("SIGINT"), 250);
  await effect;
  clearInterval(presses);
}

describe("the end of titanqueue dev", () => {
  it("comes once, though a terminal's Ctrl+C reaches the worker's process, too", async () => {
    const files = behaving(`
      console.log("begun");
      await once(ctx.stopping, "abort");
      console.log("finished");
    `);
    const { child, line, ended } = dev(files, ["worker.mjs"], { group: true });
    await line("begun");
    process.kill(-(child.pid ?? 0), "SIGINT");
    await line("finished");
    expect(await ended).toMatchObject({ code: 0 });
  });

  it("is one, though npm sends another signal beside the terminal's", async () => {
    const { child, line, ended } = dev(behaving('console.log("begun"); await once(ctx.stopping, "abort");'), [
      "worker.mjs",
    ]);
    await line("begun");
    child.kill("SIGINT");
    await line("ending");
    child.kill("SIGINT");
    const { code, said } = await ended;
    expect(said).not.toContain("hurrying");
    expect(code).toBe(0);
  });

  it("is hurried by a second Ctrl+C, and leaves what runs to recovery", async () => {
    const { child, line, ended } = dev(behaving('console.log("begun"); await new Promise(() => {});'), [
      "worker.mjs",
    ]);
    await line("begun");
    child.kill("SIGINT");
    await line("waiting for 1 task to end");
    await insist(child, line("hurrying"));
    expect(await ended).toMatchObject({ code: 3 });
  });

  it("is forced by a third one upon a handler that never lets go", async () => {
    const { child, line, ended } = dev(behaving('console.log("begun"); for (;;);'), ["worker.mjs"]);
    await line("begun");
    await insist(child, line("the worker does not end; killing it"));
    expect(await ended).toMatchObject({ code: 3 });
  });

  it("comes at once when the engine cannot be used: no change of the file would mend that", async () => {
    const { ended } = dev(SILENT, ["worker.mjs", "--url", "sqlite:nowhere/tasks.db"]);
    const { code, said } = await ended;
    expect(said).toMatch(/^titanqueue: .*nowhere/m);
    expect(said).not.toContain("waiting for a change");
    expect(code).toBe(1);
  });

  it("ends the worker's process, too, when it is killed", async () => {
    const { child, line, ended } = dev(GREETER);
    await line("hello, world");
    child.kill("SIGKILL");
    // Its streams close with the last process that holds them.
    expect(await ended).toMatchObject({ code: null });
  });
});

describe("titanqueue dev keeps secrets", () => {
  it("shows no part of a URL that may be one", async () => {
    const { child, line, ended } = dev(SILENT, ["worker.mjs", "--url", "redis://me:s3cret@127.0.0.1:1/0"]);
    expect(await line("titanqueue 0.")).toContain("on redis://***@127.0.0.1:1/0");
    expect(await line("the engine does not answer")).toContain("127.0.0.1:1 cannot be reached");
    child.kill("SIGTERM");
    const { code, said } = await ended;
    expect(said).not.toContain("s3cret");
    // Nothing was begun, and yet the store did not answer.
    expect(code).toBe(3);
  });
});
