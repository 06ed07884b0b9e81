import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Whatever goes wrong, the check ends by then, in milliseconds. */
const PATIENCE = 30_000;

/**
 * Writes the starter project with the packed command, below a directory in whose `node_modules` the package is
 * installed; checks its types, runs its worker, and enqueues a task from a second process.
 */
export async function checkStarter(project: string, bin: string): Promise<void> {
  const starter = join(project, "starter");
  const node = (words: readonly string[], cwd = starter) =>
    execFileSync(process.execPath, words, { cwd, stdio: ["ignore", "ignore", "inherit"], timeout: PATIENCE });
  node([bin, "init", "starter"], project);
  node([join(root, "node_modules/typescript/bin/tsc")]);

  const worker = spawn(process.execPath, [bin, "dev", "worker.ts"], {
    cwd: starter,
    stdio: ["ignore", "pipe", "inherit"],
    timeout: PATIENCE,
  });
  await line(worker, "serving");
  node(["--import", "tsx", "enqueue.ts"]);
  await line(worker, "welcome, user 42!");
  worker.kill("SIGINT");
  const [code] = await once(worker, "exit");
  if (code !== 0) throw new Error(`the starter's worker ended with ${code}`);
  console.log("consumer: what `titanqueue init` writes compiles and runs");
}

/** Resolves at the first line that holds `text`; throws when the program ends without. */
async function line(program: ChildProcess, text: string): Promise<void> {
  if (program.stdout === null) throw new Error("its output is not ours to read");
  for await (const line of createInterface({ input: program.stdout })) if (line.includes(text)) return;
  throw new Error(`the starter's worker never said "${text}"`);
}
