import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Duration } from "../../src/duration.ts";
import type { HistoryEvent } from "./history.ts";
import { Ledger, readHistory } from "./history.ts";
import type { GateName } from "./worker-gates.ts";

/** What the handler of `worker-program.ts` does, as the payload of a task. */
export interface Work {
  /**
   * - `quick`: takes `ms`
   * - `heedful`: until released, or told to end
   * - `heedless`: until released, whatever it is told
   * - `writes-late`: as heedless, then stores a result
   * - `quick-then-heedless`: the first attempt is quick, later ones are not
   * - `exits-once`, `rejects-once`: the first attempt ends the process, or rejects where nobody looks
   * - `shuts-down`: calls the server's `shutdown()`, twice
   *
   * @defaultValue `"quick"`
   */
  readonly is?:
    | "quick"
    | "heedful"
    | "heedless"
    | "writes-late"
    | "quick-then-heedless"
    | "exits-once"
    | "rejects-once"
    | "shuts-down";
  readonly ms?: number;
  /** What it is counted by, where the worker has a limit. */
  readonly key?: string;
}

/** What `worker-program.ts` is told, as its argument. */
export interface WorkerSpec {
  readonly name: string;
  readonly url: string;
  readonly queue: string;
  readonly concurrency: number;
  /** The directory of the ledgers. */
  readonly ledgers: string;
  readonly gates: readonly GateName[];
  readonly commandTimeout: Duration;
  readonly shutdownTimeout: Duration;
  readonly abortGrace: Duration;
  /** How many tasks of the same `key` run at once. */
  readonly perKey?: number;
}

export type WorkerOptions = Partial<Omit<WorkerSpec, "name" | "ledgers">> & Pick<WorkerSpec, "url" | "queue">;

const PROGRAM = fileURLToPath(new URL("worker-program.ts", import.meta.url));
const PATIENCE = 15_000;

/** Servers in processes of their own, whose history is written down. */
export class WorkerRig {
  readonly #directory: string;
  readonly #workers: WorkerProcess[] = [];
  /** The test's own: what it enqueues, and which faults it causes. */
  readonly ledger: Ledger;

  private constructor(directory: string) {
    this.#directory = directory;
    this.ledger = new Ledger(directory, "test");
  }

  static async create(): Promise<WorkerRig> {
    return new WorkerRig(await mkdtemp(join(tmpdir(), "tq-workers-")));
  }

  /** Starts a worker and waits until it takes tasks, or, with `until`, until it says so. */
  async start(options: WorkerOptions, until: "ready" | "running" = "ready"): Promise<WorkerProcess> {
    const worker = new WorkerProcess(
      {
        name: `worker-${this.#workers.length + 1}`,
        concurrency: 1,
        ledgers: this.#directory,
        gates: [],
        commandTimeout: "2s",
        shutdownTimeout: "2s",
        abortGrace: "500ms",
        ...options,
      },
      this.ledger,
    );
    this.#workers.push(worker);
    await worker.said(until);
    return worker;
  }

  history(): HistoryEvent[] {
    return readHistory(this.#directory);
  }

  /** Kills what still runs. */
  async stop(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.end()));
    this.ledger.close();
    await rm(this.#directory, { recursive: true, force: true });
  }
}

/** One process, told by lines and known by what it says. */
export class WorkerProcess {
  readonly name: string;
  readonly lines: string[] = [];
  readonly exited: Promise<number | NodeJS.Signals>;
  readonly #child: ChildProcess;
  readonly #ledger: Ledger;
  readonly #listeners = new Set<() => void>();
  readonly #errors: string[] = [];
  #ended = false;

  constructor(spec: WorkerSpec, ledger: Ledger) {
    this.name = spec.name;
    this.#ledger = ledger;
    const args = ["--import", "tsx", PROGRAM, JSON.stringify(spec)];
    const child = spawn(process.execPath, args, { stdio: "pipe" });
    this.#child = child;
    createInterface({ input: child.stdout }).on("line", (line) => {
      this.lines.push(line);
      this.#changed();
    });
    child.stderr.on("data", (chunk: Buffer) => this.#errors.push(chunk.toString()));
    // Orders to a process that has died are of no use, and no failure.
    child.stdin.on("error", () => undefined);
    this.exited = once(child, "close").then(([code, signal]) => {
      this.#ended = true;
      this.#changed();
      return code ?? signal;
    });
  }

  /** What it wrote to standard error. */
  get errors(): string {
    return this.#errors.join("");
  }

  /** How many of its lines begin with these words. */
  count(...words: readonly (string | number)[]): number {
    return this.lines.filter((line) => `${line} `.startsWith(`${words.join(" ")} `)).length;
  }

  /** Resolves when a line begins with these words; rejects if the process ends before, or does not say it in time. */
  async said(...words: readonly (string | number)[]): Promise<void> {
    const text = words.join(" ");
    const deadline = performance.now() + PATIENCE;
    while (this.count(...words) === 0) {
      const left = deadline - performance.now();
      if (this.#ended || left <= 0) {
        const what = this.#ended ? "ended without saying" : "did not say";
        throw new Error(`${this.name} ${what} "${text}":\n${this.lines.join("\n")}\n${this.errors}`);
      }
      await this.#change(left);
    }
  }

  /** Lets handlers that wait for it go on. */
  release(): void {
    this.#child.stdin?.write("release\n");
  }

  open(gate: GateName): void {
    this.#child.stdin?.write(`open ${gate}\n`);
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    this.#send("SIGKILL");
    await this.exited;
    this.#wasHit("kill");
  }

  freeze(): void {
    this.#send("SIGSTOP");
    this.#wasHit("freeze");
  }

  thaw(): void {
    this.#child.kill("SIGCONT");
  }

  /** It takes no more tasks (SIGTSTP). */
  pause(): void {
    this.#child.kill("SIGTSTP");
  }

  terminate(): void {
    this.#child.kill("SIGTERM");
  }

  /** Without a trace in the history: the test is over. */
  async end(): Promise<void> {
    if (!this.#ended) this.#child.kill("SIGKILL");
    await this.exited;
  }

  #send(signal: NodeJS.Signals): void {
    if (!this.#child.kill(signal)) throw new Error(`${this.name} is not there to take ${signal}`);
  }

  /** After the fact: what it began before the signal reached it is explained by the fault as well. */
  #wasHit(fault: string): void {
    this.#ledger.write({ type: "nemesis", fault, target: this.name });
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }

  #change(within: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#listeners.delete(done);
        resolve();
      };
      const timer = setTimeout(done, within);
      this.#listeners.add(done);
    });
  }
}
