import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";
import type { Attempt, TaskDetail } from "../../src/monitor/api.ts";
import { timeOrderedUuid } from "../../src/runtime/uuid.ts";
import {
  enqueueCommand,
  lengthText,
  shellWord,
  taskCode,
  taskCommand,
  whyNotWhole,
} from "../../ui/src/pages/task/task-code.ts";
import { changesSince, timelineOf, timeOfId } from "../../ui/src/pages/task/timeline.ts";

const NOW = 1_795_000_000_000;
const attempt = (more: Partial<Attempt> = {}): Attempt => ({
  at: NOW - 10_000,
  outcome: "retry",
  cause: "error",
  server: "web-1:7",
  duration: 1_000,
  error: "connect ECONNREFUSED 10.0.0.17:5432",
  ...more,
});
const task = (more: Partial<TaskDetail> = {}): TaskDetail => ({
  queue: "low",
  id: "order-1",
  type: "email:welcome",
  state: "retry",
  damaged: false,
  orphaned: false,
  retried: 0,
  maxRetry: 3,
  nextProcessAt: null,
  lastFailedAt: null,
  completedAt: null,
  group: null,
  lastError: null,
  preview: null,
  payloadBytes: 8,
  deleteAt: null,
  now: NOW,
  error: null,
  payload: { bytes: 8, kind: "json", text: '{"a": 1}', truncated: false, redacted: false },
  result: { bytes: 0, kind: "none", text: "", truncated: false, redacted: false },
  headers: [],
  timeout: 30_000,
  deadline: null,
  retention: 0,
  attempts: null,
  uniqueLock: null,
  runningOn: null,
  ...more,
});
const kinds = (of: TaskDetail) => timelineOf(of).map(({ kind }) => kind);

it("tells what became of a task, and how long it waited in between", () => {
  const attempts = [attempt({ at: NOW - 20_000 }), attempt({ at: NOW - 5_000, duration: 2_000 })];
  const items = timelineOf(task({ retried: 2, attempts }));
  expect(items.map(({ kind }) => kind)).toEqual(["enqueued", "attempt", "waited", "attempt", "now"]);
  expect(items[2]).toEqual({ kind: "waited", length: 13_000 });
  expect(items[3]).toMatchObject({ number: 2 });
});

it("says of attempts that are not on record only that they were", () => {
  const items = timelineOf(task({ retried: 12, attempts: [attempt()], lastFailedAt: NOW - 10_000 }));
  expect(items[1]).toEqual({ kind: "unknown", count: 11 });
  expect(items[2]).toMatchObject({ kind: "attempt", number: 12, changes: null });
  expect(kinds(task({ retried: 1, lastFailedAt: NOW - 1 }))).toEqual(["enqueued", "failed", "now"]);
  expect(kinds(task({ retried: 3, lastFailedAt: NOW - 1 }))).toEqual([
    "enqueued",
    "unknown",
    "failed",
    "now",
  ]);
  expect(kinds(task({ state: "pending" }))).toEqual(["enqueued", "now"]);
});

it("counts the attempt that archived a task, which is no retry", () => {
  const attempts = [attempt({ at: NOW - 9_000 }), attempt({ outcome: "archive", cause: "exhausted" })];
  const items = timelineOf(task({ state: "archived", retried: 1, lastFailedAt: NOW - 10_000, attempts }));
  expect(items.some(({ kind }) => kind === "unknown")).toBe(false);
});

it("compares an attempt with the one before", () => {
  const before = attempt();
  expect(changesSince(before, attempt())).toEqual([]);
  expect(changesSince(before, attempt({ error: "connect ECONNREFUSED 10.0.0.18:5432" }))).toEqual([
    "the error differs in numbers only",
  ]);
  expect(
    changesSince(
      before,
      attempt({ cause: "timeout", error: "too late", server: "web-2:7", duration: 31_000 }),
    ),
  ).toEqual(["timeout instead of error", "another error", "another server", "longer by 30 s"]);
  expect(changesSince(before, attempt({ cause: "exhausted", outcome: "archive" }))).toEqual([]);
  expect(changesSince(before, attempt({ server: null, duration: null }))).toEqual([]);
});

it("reads the time of ids that have one, and believes nothing unlikely", () => {
  const hex = NOW.toString(16).padStart(12, "0");
  const id = `${hex.slice(0, 8)}-${hex.slice(8)}-7abc-8def-0123456789ab`;
  expect(timeOfId(id, NOW)).toBe(NOW);
  expect(timeOfId(id, NOW - 3_600_000)).toBeNull();
  expect(timeOfId(timeOrderedUuid(NOW), NOW)).toBe(NOW);
  expect(timeOfId(id.replace("-7abc", "-1abc"), NOW)).toBeNull();
  expect(timeOfId("00000000-0001-4abc-8def-0123456789ab", NOW)).toBeNull();
  expect(timeOfId("f47ac10b-58cc-4372-a567-0e02b2c3d479", NOW)).toBeNull();
});

it("writes lengths as options take them", () => {
  expect([30_000, 5_400_000, 7_200_000, 1_500, 0].map(lengthText)).toEqual([
    "30s",
    "90m",
    "2h",
    "1500ms",
    "0ms",
  ]);
});

it("writes a command that a shell reads as it was meant", () => {
  const words = [
    "plain",
    "it's",
    "a b",
    '"$HOME" `id`',
    "new\nline",
    "\u001b[31mred'\\",
    "über",
    "\u009b",
    "",
  ];
  for (const word of words) {
    const read = execFileSync("bash", ["--norc", "-c", `printf %s ${shellWord(word)}`], {
      env: { LC_ALL: "C.UTF-8" },
    });
    expect(read.toString()).toBe(word);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: none of them may reach a terminal
    expect(shellWord(word)).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
  }
  expect(enqueueCommand(task({ headers: [{ name: "trace", value: "a b" }] }))).toBe(
    `titanqueue task enqueue -t email:welcome -q low -l '{"a": 1}' --max-retry 3 --timeout 30s --header 'trace=a b'`,
  );
  expect(taskCommand("run", { queue: "low", id: "-x" })).toBe("titanqueue task run -q low -i -x");
});

it("writes code that makes the same task", () => {
  const code = taskCode(task({ type: 'a"b\u202e', group: "g", retention: 3_600_000 }));
  expect(code).toContain('new Task("a\\"b\\u202e", {"a": 1})');
  expect(code).toContain('  retention: "1h",\n  group: "g",\n');
  const hex = { bytes: 2, kind: "hex" as const, text: "00ff", truncated: false, redacted: false };
  expect(taskCode(task({ payload: hex }))).toContain('Buffer.from("00ff", "hex")');
  expect(enqueueCommand(task({ payload: hex }))).toBeNull();
  expect(whyNotWhole({ ...hex, redacted: true })).toContain("hidden");
});
