/**
 * Ends a run of tests with one plain line, `<n> passed, <n> failed, <n> skipped`, and fails for more than failures:
 *
 *     tsx scripts/test-summary.ts <vitest's JSON report> [steps that failed...]
 *
 * A skipped test and a run without tests prove nothing. A failed step counts as one failure; the step `test` only when
 * no test of the report says why.
 */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** As much of vitest's report as we read. */
export interface TestReport {
  readonly success: boolean;
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
}

export interface Summary {
  readonly lines: readonly string[];
  readonly good: boolean;
}

export function summarize(report: TestReport | undefined, failedSteps: readonly string[]): Summary {
  const lines: string[] = [];
  const passed = report?.numPassedTests ?? 0;
  const skipped = (report?.numPendingTests ?? 0) + (report?.numTodoTests ?? 0);
  const failedTests = report?.numFailedTests ?? 0;
  // A file that cannot be loaded, or an error outside any test, fails the run without a failed test.
  const brokeOtherwise = failedTests === 0 && report?.success !== true;
  const otherSteps = failedSteps.filter((step) => step !== "test");
  const failed = Math.max(failedTests, brokeOtherwise ? 1 : 0) + otherSteps.length;

  if (report === undefined) lines.push("there is no report: the tests did not run to their end");
  else if (brokeOtherwise) lines.push("a test file could not be run, or an error came from outside a test");
  for (const step of otherSteps) lines.push(`make ${step} failed`);
  if (report !== undefined && passed + failedTests === 0) lines.push("no test ran");
  if (skipped > 0) lines.push("a skipped test proves nothing: repair it or remove it");
  lines.push(`${passed} passed, ${failed} failed, ${skipped} skipped`);
  return { lines, good: failed === 0 && skipped === 0 && passed > 0 };
}

function main([file = "", ...failedSteps]: readonly string[]): void {
  const report = existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as TestReport) : undefined;
  const { lines, good } = summarize(report, failedSteps);
  for (const line of lines) console.log(line);
  if (!good) process.exitCode = 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main(process.argv.slice(2));
