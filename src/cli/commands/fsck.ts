import type { Command } from "commander";
import { FINDING_CODES, type Finding } from "titanqueue";
import { tellStopped, watched } from "../bulk.ts";
import { confirm } from "../confirm.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { type Exit, operate } from "../operate.ts";
import { count, tasks as inTasks } from "../progress.ts";
import type { Session } from "../session.ts";
import type { Column } from "../table.ts";
import { yesOption } from "./shared.ts";

export function fsckCommand(program: Command, exit: Exit): void {
  program
    .command("fsck")
    .description("look for damage in what is stored, beside servers at work; ends with 1 where some is left")
    .argument("[queues...]", "these queues only")
    .option("--repair", "mend what can be mended")
    .addOption(yesOption())
    .action(operate<FsckCommandOptions, [string[]]>(exit, run));
}

interface FsckCommandOptions {
  readonly repair?: boolean;
  readonly yes?: boolean;
}

const FINDINGS: readonly Column<Finding>[] = [
  { title: "CODE", value: ({ code }) => code },
  { title: "QUEUE", value: ({ queue }) => queue || undefined },
  { title: "SUBJECT", value: ({ subject }) => subject },
  { title: "PROBLEM", value: ({ problem }) => problem },
  {
    title: "REPAIRED",
    value: ({ repaired }) => repaired,
    paint: (_, colors) => colors.green,
  },
];

async function run(
  session: Session,
  options: FsckCommandOptions,
  names: readonly string[],
): Promise<ExitCode> {
  const { inspector, out, place } = session;
  const { repair = false, yes } = options;
  if (repair) await confirm(out, { what: `mend damage at ${place.shown}`, yes });
  const queues = names.length === 0 ? undefined : names;
  const { result, steps } = await watched(out, "looked at", (watch) =>
    inspector.fsck({ ...watch, queues, repair }),
  );
  if (result === undefined) return tellStopped(out, steps);
  const { found, repaired, tasks, findings, counts, stopped } = result;
  if (out.mode !== "text") out.facts(result, []);
  else {
    out.list({ name: "findings", items: findings, look: { columns: FINDINGS } });
    for (const [code, number] of Object.entries(counts)) {
      out.note(`${code} ${count(number)}: ${FINDING_CODES[code as Finding["code"]]}`);
    }
    const left = found - repaired;
    out.say({}, `${inTasks(tasks)} looked at, ${count(found)} findings, ${count(repaired)} repaired`);
    if (left > 0 && !repair) out.note("--repair mends what can be mended");
  }
  if (stopped) return tellStopped(out, steps);
  return found > repaired ? EXIT.failed : EXIT.ok;
}
