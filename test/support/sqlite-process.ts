import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

export type SqliteOrder =
  | { readonly do: "open" | "close" }
  | { readonly do: "enqueue"; readonly queue: string; readonly bytes?: number }
  | { readonly do: "enqueueOn"; readonly queue: string }
  | { readonly do: "workOn"; readonly queue: string; readonly limit: number }
  | { readonly do: "count"; readonly queue: string; readonly pending: number }
  | { readonly do: "cancel"; readonly taskId: string };

export type SqliteAnswer =
  | { readonly done: true }
  | { readonly stored: readonly string[] }
  | { readonly settled: readonly string[] }
  | { readonly failed: string; readonly text: string };

export interface SqliteProcess {
  readonly pid: number;
  /** Resolves when it is done; rejects with `code` and `message` of what it met. */
  ask(order: SqliteOrder): Promise<void>;
  /** Does not wait. */
  tell(order: SqliteOrder): void;
  /** Ids of all tasks that it was told are stored, or settled. */
  readonly stored: string[];
  readonly settled: string[];
  /** Resolves when `isEnough`, asked after each answer. */
  until(isEnough: () => boolean): Promise<void>;
  /** Ends it at once, wherever it is. */
  kill(): Promise<void>;
}

export interface SqliteProcessOptions {
  readonly synchronous?: "normal" | "full";
  /** Whose rights it has. */
  readonly uid?: number;
  /** Words of a program that runs it, as `unshare`, which gets its words last. */
  readonly wrapper?: readonly string[];
}

const PROGRAM = fileURLToPath(new URL("sqlite-program.ts", import.meta.url));

/** Another process on `file`, until the test ends. */
export async function sqliteProcess(
  file: string,
  { synchronous = "normal", uid, wrapper = [] }: SqliteProcessOptions = {},
): Promise<SqliteProcess> {
  const words = [...wrapper, process.execPath, "--import", "tsx", PROGRAM, file, synchronous];
  const child: ChildProcess = spawn(words[0] as string, words.slice(1), {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    ...(uid !== undefined && { uid, gid: uid }),
  });
  const ended = once(child, "exit");
  onTestFinished(() => void child.kill("SIGKILL"));
  const stored: string[] = [];
  const settled: string[] = [];
  let heard: () => void = () => undefined;
  let settle: { resolve(): void; reject(error: Error): void } | undefined;

  child.on("message", (answer: SqliteAnswer) => {
    if ("stored" in answer) stored.push(...answer.stored);
    else if ("settled" in answer) settled.push(...answer.settled);
    else if ("done" in answer) settle?.resolve();
    else settle?.reject(Object.assign(new Error(answer.text), { code: answer.failed }));
    heard();
  });
  child.once("exit", (code) => settle?.reject(new Error(`the process ended with ${code}`)));
  const answered = () =>
    new Promise<void>((resolve, reject) => {
      settle = { resolve, reject };
    });

  await answered();
  return {
    pid: child.pid as number,
    ask: (order) => {
      const answer = answered();
      child.send(order);
      return answer;
    },
    tell: (order) => void child.send(order),
    stored,
    settled,
    until: async (isEnough) => {
      while (!isEnough()) {
        await new Promise<void>((resolve) => {
          heard = resolve;
        });
      }
    },
    kill: async () => {
      child.kill("SIGKILL");
      await ended;
    },
  };
}
