import type { Command } from "commander";
import type { ExitCode } from "../exit-codes.ts";
import { type Exit, operate } from "../operate.ts";
import type { Session } from "../session.ts";
import { changeMatching } from "./matching.ts";
import { filterOption, limitOption, rateOption, yesOption } from "./shared.ts";

export function redriveCommand(program: Command, exit: Exit): void {
  program
    .command("redrive")
    .description("put archived tasks of a queue back into it, the longest archived first")
    .argument("<queue>", "its name")
    .addOption(filterOption())
    .addOption(rateOption())
    .addOption(limitOption())
    .option("--dry-run", "only count them, and show some")
    .addOption(yesOption())
    .action(operate<RedriveCommandOptions, [string]>(exit, redrive));
}

interface RedriveCommandOptions {
  readonly filter?: string;
  readonly rate?: number;
  readonly limit?: number;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

async function redrive(session: Session, options: RedriveCommandOptions, queue: string): Promise<ExitCode> {
  const { filter, rate, limit, dryRun, yes } = options;
  return changeMatching(session, {
    change: "redrive",
    doing: "redriving",
    done: "pending again",
    dryRun,
    yes,
    work: async (watch) => {
      // An unknown queue has no archive, too.
      await session.inspector.getQueueInfo(queue);
      return session.inspector.redrive(queue, { ...watch, filter, rate, limit });
    },
  });
}
