import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const here = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));

interface Row {
  readonly theirs: string;
  readonly ours: string;
  readonly test: string;
}

/** The rows of the tables, without their heads. */
function rows(): Row[] {
  return readFileSync(here("docs/coming-from-asynq.md"), "utf8")
    .split("\n")
    .filter((line) => line.startsWith("| ") && !line.startsWith("| asynq |"))
    .map((line) => {
      const [theirs = "", ours = "", test = ""] = line
        .slice(1, -1)
        .split(" | ")
        .map((cell) => cell.trim());
      return { theirs, ours, test: test.replaceAll("`", "") };
    });
}

/** Names that code could hold: what stands in code spans, cut at everything that is no name. */
function namesIn(cell: string): string[] {
  const spans = [...cell.matchAll(/`([^`]+)`/g)].map(([, span = ""]) => span);
  return spans.flatMap((span) => span.match(/[A-Za-z_][\w-]{2,}/g) ?? []);
}

describe("docs/coming-from-asynq.md", () => {
  it("has the tables", () => {
    expect(rows().length).toBeGreaterThan(80);
  });

  it.each(rows())("names a test of $theirs that is there and speaks of it", ({ ours, test }) => {
    expect(existsSync(here(test)), `${test} is there`).toBe(true);
    const text = readFileSync(here(test), "utf8");
    const names = namesIn(ours);
    if (names.length > 0) expect(names.filter((name) => text.includes(name))).not.toEqual([]);
  });
});
