import type { DoctorReport, Inspector, Runtime } from "../index.ts";
import type { EngineReport } from "./api.ts";

/** Milliseconds for which a report is told again. The doctor reads a SQLite file to its end, and asks for each queue. */
const LASTS = 10_000;

/** Facts that may be shown: nothing of the machine that the engine is on, and nothing that a newer engine may add. */
const SHOWN: ReadonlySet<string> = new Set([
  "clockOffset",
  "cluster",
  "durable",
  "evictionPolicy",
  "freeDisk",
  "freePages",
  "integrity",
  "journal",
  "latency",
  "maxMemory",
  "minReplicasToWrite",
  "pageSize",
  "pages",
  "persistence",
  "product",
  "replicas",
  "role",
  "schema",
  "synchronous",
  "usedMemory",
  "version",
]);

type Report = Pick<EngineReport, "facts" | "findings">;

/** What the doctor says, asked at most once in a while, however many ask. */
export function engineReport(
  inspector: Pick<Inspector, "doctor">,
  { clock }: Pick<Runtime, "clock">,
): () => Promise<Report> {
  let last: { readonly report: Promise<Report>; readonly at: number } | undefined;
  return () => {
    const now = clock.monotonic();
    if (last === undefined || now - last.at >= LASTS) {
      const report = inspector.doctor().then(shownReport);
      last = { report, at: now };
      // What fails is asked again at once.
      report.catch(() => {
        last = undefined;
      });
    }
    return last.report;
  };
}

function shownReport({ facts, advice }: DoctorReport): Report {
  const { file } = facts;
  /** Remedies name the file, for whoever is on its machine. */
  const withoutPath = (text: string) =>
    typeof file === "string" && file !== "" ? text.replaceAll(file, "<file>") : text;
  return {
    facts: Object.entries(facts)
      .filter(([name]) => SHOWN.has(name))
      .map(([name, value]) => ({ name, value: String(value) })),
    findings: advice.map(({ code, severity, finding, meaning, remedy }) => ({
      id: code,
      level: severity,
      text: withoutPath(meaning === undefined ? finding : `${finding}. ${meaning}`),
      remedy: remedy === undefined ? null : withoutPath(remedy),
    })),
  };
}
