import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** What each program says, in the end; and whether it then serves until it is interrupted. */
const PROGRAMS: Readonly<Record<string, { readonly says: RegExp; readonly serves?: true }>> = {
  "first.mts": { says: /welcome, user 42! .*welcome, user 43! \(attempt 1\)/s, serves: true },
  "from-asynq/client.mts": { says: /^welcome-42 scheduled\nduplicate$/m },
  "from-asynq/inspector.mts": { says: /^1 archived$.*^no such task$/ms },
  "from-asynq/scheduler.mts": { says: /^warm has enqueued cache:warm\nall has ended$/m },
  "from-asynq/server.mts": { says: /SkipRetry: no user archive.*too fast retry.*^all of \[ 1, 2 \]/ms },
  "groups.mts": { says: /^to ada: \[ 'Bob: nice', 'Cleo: very nice' \]/ },
  "handlers.mts": { says: /page:fetch, attempt 1: TypeError/ },
  "limits.mts": { says: /^a: a1 a2 a3$/m },
  "metrics.mts": {
    says: /^titanqueue_tasks_processed_total{queue="default",type="email:welcome"} 1$/m,
  },
  "periodic.mts": { says: /daily CRON_TZ=Europe\/Berlin 0 9 \* \* MON-FRI \d{4}-/ },
  "producer.mts": { says: /report-2030-01-31 is scheduled until \d{4}-/ },
  "results.mts": { says: /is completed: 6/ },
  "waiting.mts": { says: /^0 tasks have still to run/ },
};

function programsIn(below: string): string[] {
  const names = readdirSync(join(root, "examples", below)).filter((name) => name.endsWith(".mts"));
  return names.map((name) => below + name);
}

/** Runs an example on an engine in its own memory; resolves with its exit code and what it said. */
async function run(name: string): Promise<{ code: number | null; said: string }> {
  const program = spawn(process.execPath, ["--import", "tsx", join("examples", name)], {
    cwd: root,
    env: { ...process.env, TITANQUEUE_URL: "memory:" },
    stdio: ["ignore", "pipe", "inherit"],
    timeout: 15_000,
  });
  const { says, serves } = PROGRAMS[name] ?? {};
  let said = "";
  program.stdout.setEncoding("utf8").on("data", (text: string) => {
    said += text;
    if (serves && says?.test(said)) program.kill("SIGINT");
  });
  const [code] = await once(program, "close");
  return { code, said };
}

it.each(["", "from-asynq/"].flatMap((below) => programsIn(below)))(
  "examples/%s runs as it stands",
  async (name) => {
    const { code, said } = await run(name);
    expect(said).toMatch(PROGRAMS[name]?.says ?? /add what it says to this test/);
    expect(code).toBe(0);
  },
);

it("shows a shop at work in the monitor, until it is interrupted", async () => {
  const program = spawn(process.execPath, ["--import", "tsx", "examples/demo-ui/main.ts"], {
    cwd: root,
    env: { ...process.env, TITANQUEUE_URL: "memory:", PORT: "0" },
    stdio: ["ignore", "pipe", "inherit"],
    timeout: 30_000,
  });
  let said = "";
  for await (const text of program.stdout.setEncoding("utf8")) {
    said += text;
    const [, url] = /Look at it: (\S+)\n/.exec(said) ?? [];
    if (url === undefined) continue;
    const answer = await fetch(new URL("api/definitions", url));
    const { definitions } = (await answer.json()) as { definitions: { type: string }[] };
    expect(definitions.map(({ type }) => type)).toContain("payment:charge");
    program.kill("SIGINT");
  }
  if (program.exitCode === null) await once(program, "exit");
  expect(said).toMatch(/A shop is at work on the memory engine/);
  expect(program.exitCode).toBe(0);
});
