import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { VERSION } from "../version.ts";
import { completionCommands } from "./commands/completion.ts";
import { cronCommands } from "./commands/cron.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { fleetCommands } from "./commands/fleet.ts";
import { fsckCommand } from "./commands/fsck.ts";
import { queueCommands } from "./commands/queue.ts";
import { redriveCommand } from "./commands/redrive.ts";
import { searchCommand } from "./commands/search.ts";
import { statsCommand } from "./commands/stats.ts";
import { taskCommands } from "./commands/task.ts";
import { topCommand } from "./commands/top.ts";
import { type DevCommandOptions, runDev } from "./dev.ts";
import { Refusal } from "./ending.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { runInit } from "./init.ts";
import { type MonitorCommandOptions, runMonitor } from "./monitor.ts";
import { acting, type Exit } from "./operate.ts";
import { endWithTheReader } from "./output.ts";
import { respelled } from "./spellings.ts";
import { tell } from "./told-error.ts";
import { runWorker, type WorkerCommandOptions } from "./worker.ts";

const FILE_HELP = "exports `defineWorker({ … })` by default; .ts, .mts or .js";

/** Runs one command line; resolves with the exit code. What it rejects with is for `endWith`. */
export async function runCommand(given: readonly string[]): Promise<ExitCode> {
  const exit: Exit = { code: EXIT.ok };
  const words = respelled(given);
  const json = words.includes("--json") || words.includes("--jsonl");
  const program = titanqueue(exit, json);
  endWithTheReader();
  try {
    await program.parseAsync(words, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // `--help` and `--version` end that way, too. For people, its text has been printed.
    if (error.exitCode === 0) return EXIT.ok;
    if (json) process.stderr.write(tell(usageError(error), "json"));
    return EXIT.refused;
  }
  return exit.code;
}

/** The whole tree of commands. */
export function titanqueue(exit: Exit, json = false): Command {
  const program = new Command("titanqueue")
    .description("A task queue for Node.js, on Redis or on a file.")
    .version(VERSION, "-V, --version", "print the version")
    .option(
      "--url <url>",
      "where the tasks are; TITANQUEUE_URL and config files are the places for a password",
    )
    .option("--json", "answer with one JSON document")
    .option("--no-color", "without colours, as NO_COLOR=1")
    .showHelpAfterError("(titanqueue --help lists the commands)")
    .configureHelp({ showGlobalOptions: true })
    .configureOutput(json ? { writeErr: () => undefined } : {})
    .exitOverride();

  program.commandsGroup("Run tasks:");
  runCommands(program, exit);
  program.commandsGroup("Operate:");
  queueCommands(program, exit);
  taskCommands(program, exit);
  fleetCommands(program, exit);
  cronCommands(program, exit);
  statsCommand(program, exit);
  searchCommand(program, exit);
  redriveCommand(program, exit);
  fsckCommand(program, exit);
  doctorCommand(program, exit);
  topCommand(program, exit);
  monitorCommand(program, exit);
  program.commandsGroup("About:");
  completionCommands(program, exit);
  program
    .command("version")
    .description("print the version, and that of Node.js")
    .action(
      acting(exit, (out) => {
        const { node } = process.versions;
        out.say({ titanqueue: VERSION, node }, `titanqueue ${VERSION} on Node.js ${node}`);
        return undefined;
      }),
    );
  return program;
}

/** What runs tasks prints its log, and ends with what its server says. */
function runCommands(program: Command, exit: Exit): void {
  program
    .command("dev")
    .description(
      "run a worker file while you write it: reloads when it changes, needs no Redis; without --url and TITANQUEUE_URL on the file tasks.db",
    )
    .argument("<file>", FILE_HELP)
    .action(async (file: string, _: object, command: Command) => {
      exit.code = await runDev(file, running<DevCommandOptions>(command));
    });

  program
    .command("worker")
    .description("run a worker file's handlers, until SIGTERM or Ctrl+C; reads no config file")
    .argument("<file>", FILE_HELP)
    .addOption(
      new Option(
        "--health-port <port>",
        "answer HTTP with 200 while the worker is ready, else 503",
      ).argParser(readPort),
    )
    .addOption(new Option("--health-host <host>", "the address for that").default("127.0.0.1"))
    .action(async (file: string, _: object, command: Command) => {
      exit.code = await runWorker(file, running<WorkerCommandOptions>(command));
    });

  program
    .command("init")
    .description("write a small typed project: a task, a worker, and a script that enqueues")
    .argument("[dir]", "where; nothing in it is overwritten", ".")
    .action((directory: string, _: object, command: Command) => {
      running(command);
      exit.code = runInit(directory);
    });
}

function monitorCommand(program: Command, exit: Exit): void {
  program
    .command("monitor")
    .description("serve the dashboard, and metrics for Prometheus at /metrics, until SIGTERM or Ctrl+C")
    .addOption(
      new Option("--host <host>", "the address; others than this machine's need --auth-file").default(
        "127.0.0.1",
      ),
    )
    .addOption(new Option("--port <port>", "0: any that is free").default(8_080).argParser(readPort))
    .option("--read-only", "nothing can be changed, whoever asks")
    .option("--auth-file <file>", "who may log in: lines user:hash:role[:queues]")
    .option("--allowed-hosts <hosts>", "names by which it is reached, separated by commas")
    .option("--tasks <file>", "a file that exports task definitions: forms to enqueue them by")
    .option("--hash-password", "print what stands for the password on standard input in an auth file")
    .action(async (_: object, command: Command) => {
      exit.code = await runMonitor(running<MonitorCommandOptions>(command));
    });
}

function running<O>(command: Command): O {
  const { json, ...options } = command.optsWithGlobals<{ readonly json?: boolean }>();
  if (json) throw new Refusal(`${command.name()} has no answer that could be JSON; leave --json out`);
  return options as O;
}

function usageError({ message }: CommanderError) {
  const text = message.replace(/^error: /, "");
  return {
    code: "USAGE",
    message: text,
    remedy: "`titanqueue --help` lists the commands",
    exit: EXIT.refused,
  };
}

function readPort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError("Expected a number from 0 to 65535.");
}
