import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { runProgram } from "../support/running-program.ts";
import { installationForFile } from "./installation.ts";

const installation = await installationForFile();
const project = () => installation.project({});
const PASSWORD = "correct horse battery staple";

function run(words: readonly string[], cwd = project(), env: Readonly<Record<string, string>> = {}) {
  return runProgram([installation.bin, "monitor", "--url", "memory:", ...words], { cwd, env });
}

async function addressOf(program: ReturnType<typeof run>): Promise<string> {
  const line = await program.line("monitor of memory: at ");
  return /http:\S+/.exec(line)![0];
}

it("serves the dashboard to this machine alone, and ends with the signal", async () => {
  const program = run(["--port", "0"]);
  const address = await addressOf(program);
  expect(address).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
  const page = await fetch(address);
  expect(await page.text()).toContain("TitanQueue Monitor");
  program.child.kill("SIGTERM");
  expect((await program.ended).code).toBe(0);
});

it("says how to have metrics, and has them once that was done", async () => {
  const without = run(["--port", "0"]);
  const refused = await fetch(`${await addressOf(without)}metrics`);
  expect([refused.status, await refused.json()]).toMatchObject([501, { error: { code: "NOT_SUPPORTED" } }]);
  expect(without.said()).not.toContain("ERR_MODULE_NOT_FOUND");
  without.child.kill("SIGTERM");
  await without.ended;
  installation.add("prom-client");
  const program = run(["--port", "0"]);
  const exposition = await fetch(`${await addressOf(program)}metrics`);
  expect([exposition.status, await exposition.text()]).toEqual([
    200,
    expect.stringMatching(/^titanqueue_engine_up 1$/m),
  ]);
  program.child.kill("SIGTERM");
  expect((await program.ended).code).toBe(0);
});

it("refuses to let everybody in: exit code 2, and the flag is named", async () => {
  const { code, said } = await run(["--host", "0.0.0.0", "--port", "0"]).ended;
  expect(code).toBe(2);
  expect(said).toContain("--host 0.0.0.0");
  expect(said).toContain("--auth-file");
});

it("lets in who is in the auth file, and out who is taken from it, and never prints a secret", async () => {
  const cwd = project();
  const hashing = runProgram([installation.bin, "monitor", "--hash-password"], { cwd });
  expect((await hashing.ended).code).toBe(2);
  const { hashPassword } = await import("../../src/monitor/index.ts");
  const file = join(cwd, "auth");
  writeFileSync(file, `# people\nada:${await hashPassword(PASSWORD)}:view:mail-*\n`);
  chmodSync(file, 0o644);
  const program = run(["--port", "0", "--auth-file", file], cwd);
  const address = await addressOf(program);
  expect(program.said()).toContain("chmod 600");
  const authorization = `Basic ${Buffer.from(`ada:${PASSWORD}`).toString("base64")}`;
  expect((await fetch(`${address}api/session`)).status).toBe(401);
  const session = await fetch(`${address}api/session`, { headers: { authorization } });
  expect(await session.json()).toMatchObject({ user: "ada", role: "view", queues: ["mail-*"] });
  writeFileSync(file, `bob:${await hashPassword("other")}:view\n`);
  let status = 200;
  while (status === 200)
    status = (await fetch(`${address}api/session`, { headers: { authorization } })).status;
  expect(status).toBe(401);
  program.child.kill("SIGTERM");
  const { said } = await program.ended;
  expect(said).not.toContain(PASSWORD);
  expect(said).not.toContain("scrypt$");
});

it("tells which line of the auth file is wrong", async () => {
  const cwd = project();
  writeFileSync(join(cwd, "auth"), "ada:secret-hash:boss\n");
  const { code, said } = await run(["--auth-file", "auth"], cwd).ended;
  expect([code, said.includes("auth:1"), said.includes("secret-hash")]).toEqual([2, true, false]);
});

it("takes task definitions from a file, for the form that enqueues", async () => {
  const cwd = installation.project({
    "tasks.mjs": `import { defineTask } from "titanqueue";
export const welcome = defineTask("email:welcome", { options: { queue: "mail" } });
export const again = welcome;
export const other = 42;`,
  });
  const program = run(["--port", "0", "--tasks", "tasks.mjs"], cwd);
  const answer = await fetch(`${await addressOf(program)}api/definitions`);
  expect(await answer.json()).toMatchObject({ definitions: [{ type: "email:welcome", queue: "mail" }] });
  program.child.kill("SIGTERM");
  expect((await program.ended).code).toBe(0);
});

it.each([
  ["task.mjs", 'there is no file task.mjs (did you mean "tasks.mjs"?)'],
  ["tasks.mjs", "tasks.mjs exports no task; write `export const welcome = defineTask("],
  ["twice.mjs", "twice.mjs exports two definitions of a; leave one of them out"],
])("says what is wrong with a file of tasks: %s", async (file, problem) => {
  const cwd = installation.project({
    "tasks.mjs": "export const answer = 42;",
    "twice.mjs": `import { defineTask } from "titanqueue";
export const [one, two] = [defineTask("a"), defineTask("a")];`,
  });
  const { code, said } = await run(["--port", "0", "--tasks", file], cwd).ended;
  expect(said).toContain(problem);
  expect(code).toBe(2);
});
