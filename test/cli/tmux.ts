import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { promisify } from "node:util";
import { onTestFinished } from "vitest";

const run = promisify(execFile);

/** Less than a test may take, so that the screen is told of. */
const PATIENCE = 8_000;

export interface TerminalOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly width?: number;
  readonly height?: number;
}

/** A real terminal, which tmux plays: a shell runs in it, and whatever the test types. */
export class TmuxTerminal {
  readonly #socket: string;

  private constructor(socket: string) {
    this.#socket = socket;
  }

  static async open({ cwd, env, width = 100, height = 24 }: TerminalOptions): Promise<TmuxTerminal> {
    needTmux();
    const directory = mkdtempSync(join(tmpdir(), "tq-tmux-"));
    const terminal = new TmuxTerminal(join(directory, "socket"));
    onTestFinished(async () => {
      await terminal.#tmux("kill-server");
      rmSync(directory, { recursive: true, force: true });
    });
    const set = Object.entries({ ...env, PS1: "$ ", LC_ALL: "C.UTF-8" }).flatMap(([name, value]) => [
      "-e",
      `${name}=${value}`,
    ]);
    const size = ["-x", String(width), "-y", String(height)];
    await terminal.#tmux("-f", "/dev/null", "new-session", "-d", ...size, "-c", cwd, ...set, "sh");
    return terminal;
  }

  /** Types a line, and the key that ends it. */
  async line(text: string): Promise<void> {
    await this.#tmux("send-keys", "-l", text);
    await this.key("Enter");
  }

  /** Presses a key by tmux's name of it, as in `C-c`. */
  async key(name: string): Promise<void> {
    await this.#tmux("send-keys", name);
  }

  async resize(width: number, height: number): Promise<void> {
    await this.#tmux("resize-window", "-x", String(width), "-y", String(height));
  }

  async screen(): Promise<string> {
    return this.#tmux("capture-pane", "-p", "-J");
  }

  /** Resolves with the screen as soon as it shows something of that kind. */
  async shows(what: RegExp): Promise<string> {
    const deadline = performance.now() + PATIENCE;
    for (;;) {
      const screen = await this.screen();
      if (what.test(screen)) return screen;
      if (performance.now() > deadline) {
        throw new Error(`the screen never showed ${what}, but\n${screen.replace(/^/gm, "| ")}`);
      }
      await wait(20);
    }
  }

  /** Whether the second screen is shown, and whether the cursor is. */
  async modes(): Promise<{ readonly second: boolean; readonly cursor: boolean }> {
    const [second, cursor] = (await this.#tmux("display-message", "-p", "#{alternate_on} #{cursor_flag}"))
      .trim()
      .split(" ");
    return { second: second === "1", cursor: cursor === "1" };
  }

  /** Sends a signal to what the shell runs now. */
  async signal(name: string): Promise<void> {
    const shell = (await this.#tmux("display-message", "-p", "#{pane_pid}")).trim();
    await run("pkill", [`-${name}`, "-P", shell]);
  }

  async #tmux(...words: string[]): Promise<string> {
    const { stdout } = await run("tmux", ["-S", this.#socket, ...words]);
    return stdout;
  }
}

/** Installs it where that is possible and allowed; a test without a terminal would see nothing. */
function needTmux(): void {
  if (answers("tmux", "-V")) return;
  const may = process.getuid?.() === 0 && process.env["TITANQUEUE_TEST_NO_INSTALL"] !== "1";
  if (may) {
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    for (const words of [["update"], ["install", "--yes", "--no-install-recommends", "tmux"]])
      execFileSync("apt-get", words, { env, stdio: "ignore" });
    if (answers("tmux", "-V")) return;
  }
  throw new Error(
    "this test needs a terminal that tmux plays: install tmux, or run as root on Debian without TITANQUEUE_TEST_NO_INSTALL",
  );
}

function answers(program: string, word: string): boolean {
  try {
    execFileSync(program, [word], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
