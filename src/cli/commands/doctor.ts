import type { Command } from "commander";
import type { DoctorReport } from "titanqueue";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { type Exit, operate } from "../operate.ts";
import { safe } from "../safe-text.ts";
import type { Session } from "../session.ts";
import type { Colors } from "../terminal.ts";

export function doctorCommand(program: Command, exit: Exit): void {
  program
    .command("doctor")
    .description(
      "what the store, its servers and queues need, and how to mend it; ends with 1 where there is a problem",
    )
    .action(operate(exit, doctor));
}

type Severity = DoctorReport["severity"];

const MARKS: Readonly<Record<Severity, (colors: Colors) => string>> = {
  ok: (colors) => colors.green("ok     "),
  warning: (colors) => colors.yellow("warning"),
  problem: (colors) => colors.red("problem"),
};

async function doctor({ inspector, out }: Session): Promise<ExitCode> {
  const report = await inspector.doctor();
  if (out.mode !== "text") {
    const advice = report.advice.map(({ meaning = null, remedy = null, ...rest }) => ({
      ...rest,
      meaning,
      remedy,
    }));
    out.facts({ ...report, advice }, []);
  } else {
    const { colors } = out.stdout;
    out.facts(
      {},
      Object.entries({ engine: report.engine, ...report.facts }).map(([name, value]) => [
        name,
        String(value),
      ]),
    );
    for (const { severity, finding, meaning, remedy } of report.advice) {
      out.painted(`${MARKS[severity](colors)} ${safe(finding)}`);
      if (meaning !== undefined) out.painted(`        ${colors.dim(safe(meaning))}`);
      if (remedy !== undefined) out.painted(`        ${colors.bold("→")} ${safe(remedy)}`);
    }
  }
  return report.severity === "problem" ? EXIT.failed : EXIT.ok;
}
