import { describe, expect, it } from "vitest";
import { summarize, type TestReport } from "../../scripts/test-summary.ts";

const good: TestReport = {
  success: true,
  numPassedTests: 7,
  numFailedTests: 0,
  numPendingTests: 0,
  numTodoTests: 0,
};
const last = (report: TestReport | undefined, steps: string[] = []) => {
  const summary = summarize(report, steps);
  return { line: summary.lines.at(-1), good: summary.good };
};

describe("summarize", () => {
  it("ends with a line of its own, also when all is well", () => {
    expect(summarize(good, [])).toEqual({ lines: ["7 passed, 0 failed, 0 skipped"], good: true });
  });

  it("fails for a skipped test and for one that is still to be written", () => {
    const report = { ...good, numPendingTests: 1, numTodoTests: 1 };
    expect(last(report)).toEqual({ line: "7 passed, 0 failed, 2 skipped", good: false });
  });

  it("fails when no test ran, and when there is no report", () => {
    expect(last({ ...good, numPassedTests: 0 })).toEqual({
      line: "0 passed, 0 failed, 0 skipped",
      good: false,
    });
    expect(last(undefined)).toEqual({ line: "0 passed, 1 failed, 0 skipped", good: false });
  });

  it("counts a file that could not be run, which has no tests", () => {
    const report = { ...good, success: false };
    expect(last(report)).toEqual({ line: "7 passed, 1 failed, 0 skipped", good: false });
  });

  it("counts failed steps beside failed tests, and the tests' own step once", () => {
    const report = { ...good, success: false, numFailedTests: 2 };
    expect(last(report, ["test", "check"])).toEqual({ line: "7 passed, 3 failed, 0 skipped", good: false });
    expect(summarize(report, ["test", "check"]).lines).toContain("make check failed");
  });
});
