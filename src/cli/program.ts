import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { VERSION } from "../version.ts";
import { type DevCommandOptions, runDev } from "./dev.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { runInit } from "./init.ts";
import { runWorker, type WorkerCommandOptions } from "./worker.ts";

const URL_HELP = "where the tasks are; without it, TITANQUEUE_URL (the place for a URL with a password)";

const FILE_HELP = "exports `defineWorker({ … })` by default; .ts, .mts or .js";

/** Runs one command line; resolves with the exit code. What it rejects with is for `endWith`. */
export async function runCommand(words: readonly string[]): Promise<ExitCode> {
  let code: ExitCode = EXIT.ok;
  const program = new Command("titanqueue")
    .description("A task queue for Node.js, on Redis or on a file.")
    .version(VERSION, "-V, --version", "print the version")
    .showHelpAfterError("(titanqueue --help lists the commands)")
    .exitOverride();

  program
    .command("dev")
    .description("run a worker file while you write it: reloads when it changes, needs no Redis")
    .argument("<file>", FILE_HELP)
    .option("--url <url>", `${URL_HELP}; without that, the file tasks.db`)
    .action(async (file: string, options: DevCommandOptions) => {
      code = await runDev(file, options);
    });

  program
    .command("worker")
    .description("run a worker file's handlers, until SIGTERM or Ctrl+C")
    .argument("<file>", FILE_HELP)
    .option("--url <url>", URL_HELP)
    .addOption(
      new Option(
        "--health-port <port>",
        "answer HTTP with 200 while the worker is ready, else 503",
      ).argParser(readPort),
    )
    .addOption(new Option("--health-host <host>", "the address for that").default("127.0.0.1"))
    .action(async (file: string, options: WorkerCommandOptions) => {
      code = await runWorker(file, options);
    });

  program
    .command("init")
    .description("write a small typed project: a task, a worker, and a script that enqueues")
    .argument("[dir]", "where; nothing in it is overwritten", ".")
    .action((directory: string) => {
      code = runInit(directory);
    });

  program
    .command("version")
    .description("print the version, and that of Node.js")
    .action(() => {
      process.stdout.write(`titanqueue ${VERSION} on Node.js ${process.versions.node}\n`);
    });

  try {
    await program.parseAsync(words, { from: "user" });
  } catch (error) {
    // Its text has been printed; `--help` and `--version` end that way, too.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.refused;
    throw error;
  }
  return code;
}

function readPort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError("Expected a number from 0 to 65535.");
}
