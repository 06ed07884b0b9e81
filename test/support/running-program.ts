import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { onTestFinished } from "vitest";

export interface RunningProgram {
  readonly child: ChildProcess;
  /**
   * Resolves with the first line it writes, to either stream, that holds `text`, after those that were seen before this
   * call; rejects with all it wrote when it ends without.
   */
  line(text: string): Promise<string>;
  /** Everything it has written so far. */
  said(): string;
  /** Resolves when it has ended and nobody holds its streams any more. */
  readonly ended: Promise<{ readonly code: number | null; readonly said: string }>;
}

export interface RunOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** A process group of its own, as a terminal gives each command. */
  readonly group?: boolean;
}

/** Runs a program of Node.js as a shell would, until the test ends. */
export function runProgram(
  words: readonly string[],
  { cwd, env, group = false }: RunOptions,
): RunningProgram {
  const { FORCE_COLOR: _, TITANQUEUE_URL: __, ...own } = process.env;
  const child = spawn(process.execPath, words, {
    cwd,
    env: { ...own, NO_COLOR: "1", ...env },
    stdio: ["ignore", "pipe", "pipe"],
    detached: group,
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let said = "";
  let heard = 0;
  let closed = false;
  const waiting = new Set<() => void>();
  const look = () => {
    for (const each of [...waiting]) each();
  };
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      look();
    });
  }
  const ended = once(child, "close").then(([code]) => {
    closed = true;
    look();
    return { code, said };
  });
  const line = (text: string) =>
    new Promise<string>((resolve, reject) => {
      const from = heard;
      const seek = () => {
        const at = said.indexOf(text, from);
        const end = at === -1 ? -1 : said.indexOf("\n", at);
        if (end !== -1) {
          waiting.delete(seek);
          heard = Math.max(heard, end);
          resolve(said.slice(said.lastIndexOf("\n", at) + 1, end));
        } else if (closed) {
          waiting.delete(seek);
          reject(new Error(`it never said ${JSON.stringify(text)}, but\n${said.replace(/^/gm, "| ")}`));
        }
      };
      waiting.add(seek);
      seek();
    });
  return { child, line, said: () => said, ended };
}
