import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Clock } from "titanqueue";
import type { DevNews, DevOrder } from "./dev-messages.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import type { SignedFile } from "./file-signature.ts";

/** Beside this file in the built package. */
const PROGRAM = fileURLToPath(new URL("./dev-child.mjs", import.meta.url));

/** Milliseconds for the way out of a process whose server has nothing more to wait for. */
const WAY_OUT = 3_000;

export interface DevProcessOptions {
  readonly path: string;
  /** How the user calls the file. */
  readonly shown: string;
  readonly clock: Clock;
  readonly onLoaded: (file: SignedFile) => void;
  /** It did not end in time, and is killed. */
  readonly onKill: () => void;
}

/** One run of the worker file. */
export class DevProcess {
  /** Resolves with its exit code when the process has ended. */
  readonly ended: Promise<ExitCode>;
  /** Whether its server was made. */
  serving = false;
  /** Whether that could not start, for a reason that no change of the file mends. */
  hopeless = false;
  readonly #child: ChildProcess;
  readonly #clock: Clock;
  readonly #onKill: () => void;
  #shutdownLimit = 0;
  #cancelKill: () => void = () => undefined;

  constructor({ path, shown, clock, onLoaded, onKill }: DevProcessOptions) {
    this.#clock = clock;
    this.#onKill = onKill;
    this.#child = fork(PROGRAM, [path, shown], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    this.#child.on("message", (news: DevNews) => {
      if (news.kind === "loaded") onLoaded(news.file);
      else if (news.kind === "hopeless") this.hopeless = true;
      else {
        this.serving = true;
        this.#shutdownLimit = news.shutdownLimit;
      }
    });
    this.ended = new Promise((resolve, reject) => {
      this.#child.once("error", reject);
      this.#child.once("exit", (code, signal) => {
        this.#cancelKill();
        resolve((code as ExitCode | null) ?? codeOf(signal));
      });
    });
  }

  /** Lets running tasks finish, for as long as the server's `shutdownTimeout` allows, and ends. */
  shutDown(): void {
    this.#order("shutdown", this.#shutdownLimit + WAY_OUT);
  }

  /** Ends without waiting for tasks. */
  hurry(): void {
    this.#order("hurry", WAY_OUT);
  }

  /** Ends now. */
  kill(): void {
    this.#onKill();
    this.#child.kill("SIGKILL");
  }

  /** A handler that never lets go of the event loop hears no order, hence the limit. */
  #order(order: DevOrder, limit: number): void {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#cancelKill();
    this.#cancelKill = this.#clock.setTimer(limit, () => this.kill());
    // It may be gone before it hears us.
    if (this.#child.connected) this.#child.send(order, () => undefined);
  }
}

/** A signal ends the process only before its server is there, but for the one that leaves tasks to recovery. */
function codeOf(signal: NodeJS.Signals | null): ExitCode {
  return signal === "SIGKILL" ? EXIT.left : EXIT.ok;
}
