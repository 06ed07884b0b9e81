import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { HistoryEvent } from "./history.ts";
import { EVERYONE, Ledger, readHistory } from "./history.ts";
import { judgeHistory } from "./history-checker.ts";

type Told = HistoryEvent extends infer E
  ? E extends E
    ? Omit<E, "process" | "seq" | "mono" | "wall">
    : never
  : never;

/** A history of one event a second: who, and what. */
function history(...told: readonly (readonly [process: string, event: Told])[]): HistoryEvent[] {
  return told.map(([process, event], seq) => {
    const at = seq * 1_000;
    return { process, seq, mono: at, wall: at, ...event } as HistoryEvent;
  });
}

const judge = (events: HistoryEvent[], stored: readonly string[] = []) =>
  judgeHistory(events, { stored: new Set(stored), explains: 10_000 });

const asked = ["test", { type: "invoke", id: "a" }] as const;
const stored = ["test", { type: "ok", id: "a" }] as const;
const started = (process: string, attempt = 1) => [process, { type: "start", id: "a", attempt }] as const;
const ended = (process: string, ok = true, attempt = 1) =>
  [process, { type: "end", id: "a", attempt, ok }] as const;
const fault = (target: string) => ["test", { type: "nemesis", fault: "kill", target }] as const;

describe("the judge of a history", () => {
  it("finds nothing wrong with a task that was stored and ran once", () => {
    expect(judge(history(asked, stored, started("w1"), ended("w1")))).toEqual({
      acknowledged: 1,
      indeterminate: 0,
      recovered: 0,
      starts: 1,
      duplicates: 0,
      violations: [],
    });
  });

  it("misses a task that was acknowledged and neither succeeded nor is stored", () => {
    const events = history(asked, stored, started("w1"));
    expect(judge(events).violations).toEqual(["lost: a was acknowledged"]);
    expect(judge(events, ["a"]).violations).toEqual([]);
  });

  it("does not miss one that was never acknowledged, and counts it when it ran", () => {
    const unknown = ["test", { type: "info", id: "a" }] as const;
    expect(judge(history(asked, unknown))).toMatchObject({ indeterminate: 1, recovered: 0, violations: [] });
    expect(judge(history(asked, unknown, started("w1")))).toMatchObject({ recovered: 1, violations: [] });
  });

  it("finds a task that nobody enqueued", () => {
    const { violations } = judge(history(started("w1"), ended("w1")));
    expect(violations).toEqual(["unexpected: a was started, but never enqueued"]);
  });

  it("finds a task that started before its time", () => {
    const due = ["test", { type: "invoke", id: "a", processAt: 2_500 }] as const;
    const { violations } = judge(history(due, stored, started("w1"), ended("w1")));
    expect(violations).toEqual(["early: a started 500 ms too soon"]);
  });

  it("finds a second run without a reason", () => {
    const events = history(asked, stored, started("w1"), ended("w1"), started("w2", 2), ended("w2", true, 2));
    expect(judge(events).violations).toEqual(["duplicate: a ran in w1 and again in w2, for no reason"]);
  });

  it.each([
    ["its handler failed", ended("w1", false)],
    ["its worker met a fault", fault("w1")],
    ["everyone met a fault", fault(EVERYONE)],
    ["it was handed back", ["w1", { type: "requeue", id: "a" }] as const],
  ])("takes for a reason that %s", (_, between) => {
    const events = history(asked, stored, started("w1"), between, started("w2", 2), ended("w2", true, 2));
    expect(judge(events)).toMatchObject({ duplicates: 1, violations: [] });
  });

  it("does not take for a reason that another worker met a fault, or that it was too long after", () => {
    const events = history(asked, stored, started("w1"), fault("w3"), started("w2", 2), ended("w2", true, 2));
    expect(judge(events).violations).toHaveLength(1);
    const late = history(asked, stored, started("w1"), fault("w1"), started("w2", 2), ended("w2", true, 2));
    expect(judgeHistory(late, { stored: new Set(), explains: 500 }).violations).toHaveLength(1);
  });
});

it("reads ledgers of several processes in the order of time", () => {
  const directory = mkdtempSync(join(tmpdir(), "tq-history-"));
  const [one, two] = [new Ledger(directory, "one"), new Ledger(directory, "two")];
  one.write({ type: "invoke", id: "a" });
  two.write({ type: "start", id: "a", attempt: 1 });
  one.write({ type: "ok", id: "a" });
  for (const ledger of [one, two]) ledger.close();
  expect(readHistory(directory).map(({ process, seq, type }) => [process, seq, type])).toEqual([
    ["one", 0, "invoke"],
    ["two", 0, "start"],
    ["one", 1, "ok"],
  ]);
  rmSync(directory, { recursive: true });
});
