import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";

const PROGRAM = fileURLToPath(new URL("serve-program.ts", import.meta.url));

interface Program {
  readonly child: ChildProcess;
  /** Resolves with the first line of its log or output that holds `text`. */
  line(text: string): Promise<string>;
  readonly exit: Promise<{ code: number | null; signal: string | null }>;
}

function run(...args: string[]): Program {
  const child = spawn(process.execPath, ["--import", "tsx", PROGRAM, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (line) => {
      lines.push(line);
      for (const look of waiting) look();
    });
  }
  return {
    child,
    line: (text) =>
      new Promise((resolve) => {
        const look = () => {
          const found = lines.find((line) => line.includes(text));
          if (found === undefined) return;
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
      }),
    exit: once(child, "exit").then(([code, signal]) => ({ code, signal })),
  };
}

describe("a server's process", () => {
  it.each(["SIGTERM", "SIGINT"] as const)("lives until %s, and then ends with code 0", async (signal) => {
    const { child, line, exit } = run();
    await line("running");
    child.kill(signal);
    expect(await line("shut down ")).toMatch(/requeued=0 left=0 exitCode=0/);
    expect(await exit).toEqual({ code: 0, signal: null });
  });

  it("ends with code 3 at a second signal, having put back what ran", async () => {
    const { child, line, exit } = run("deaf");
    await line("running");
    child.kill("SIGTERM");
    await line("shutting down");
    child.kill("SIGTERM");
    expect(await line("shut down ")).toMatch(/requeued=1 left=0 exitCode=3/);
    expect(await exit).toEqual({ code: 3, signal: null });
  });

  it("stops when nobody catches an error, leaves what runs, and then ends with it as Node would", async () => {
    const { line, exit } = run("rejects");
    expect(await line("shut down ")).toMatch(/requeued=0 left=1 exitCode=3/);
    await line("Error: on nobody's mind");
    expect(await exit).toEqual({ code: 1, signal: null });
  });

  it("leaves what runs to the recoverers, also when the process and its engine live on", async () => {
    const { line, exit } = run("rejects", "lives on");
    expect(await line("pending=")).toBe("pending=0 active=1");
    expect(await exit).toEqual({ code: 1, signal: null });
  });

  it("ends with an error that nobody catches when it runs two servers", async () => {
    const { line, exit } = run("rejects", "twice");
    await line("Error: on nobody's mind");
    expect(await exit).toEqual({ code: 1, signal: null });
  });

  it("leaves an error to the program's own listener, and goes on", async () => {
    const { child, line, exit } = run("rejects", "listens");
    await line("heard: on nobody's mind");
    child.kill("SIGTERM");
    await line("shutting down");
    child.kill("SIGTERM");
    expect(await exit).toEqual({ code: 3, signal: null });
  });
});
