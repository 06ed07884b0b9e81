import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { redisForFile } from "../support/redis-rig.ts";
import { countTests } from "./count-tests.ts";
import { goProgram } from "./go-modules.ts";
import { eventually, tell } from "./news.ts";

const redis = await redisForFile();
const here = fileURLToPath(new URL("../../examples/node-and-go", import.meta.url));
const built = goProgram("example");

beforeAll(() => {
  const { status, stderr } = spawnSync("go", ["build", "-mod=readonly", "-o", built, "."], {
    cwd: here,
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`the example does not compile:\n${stderr}`);
}, 300_000);

countTests("fleet-scenarios");

interface Program {
  readonly child: ChildProcess;
  said(): string;
  readonly ended: Promise<unknown>;
}

function run(program: string, ...words: string[]): Program {
  const child = spawn(program, words, {
    cwd: here,
    env: { ...process.env, NO_COLOR: "1", TITANQUEUE_URL: redis.url },
    stdio: ["ignore", "pipe", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      tell();
    });
  }
  return { child, said: () => said, ended: once(child, "close").then(([code]) => code) };
}

const go = (what: "work" | "enqueue") => run(built, what);
const node = (file: "worker" | "enqueue") => run(process.execPath, "--import", "tsx", `${file}.ts`);

async function endsWell(program: Program): Promise<void> {
  expect([await program.ended, program.said()]).toEqual([0, expect.not.stringContaining("rror")]);
}

describe("the example of Node and Go on one queue", () => {
  it.each([
    ["Go's", "ours", go, node],
    ["ours", "Go's", node, go],
  ] as const)("what both enqueue, %s first, runs on either server", async (_, __, first, second) => {
    const one = first("enqueue");
    await endsWell(one);
    const two = second("enqueue");
    await endsWell(two);
    expect(one.said()).toContain("a welcome is waiting");
    expect(two.said()).toContain("the welcome is waiting already");

    const worker = second === node ? node("worker") : go("work");
    const by = second === node ? "node" : "go";
    await eventually("it has run all three", () => {
      const lines = worker.said().split("\n");
      const reports = lines.filter((line) => line === `${by}: report of 2030-01`);
      return reports.length === 2 && lines.includes(`${by}: welcome, Ada (42)`);
    });
    worker.child.kill("SIGTERM");
    await endsWell(worker);
  });
});
