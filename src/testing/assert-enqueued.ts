import { AssertionError } from "node:assert";
import type { TaskInfo } from "../task-info.ts";
import type { Expectation } from "./expectation.ts";
import type { Performed } from "./performed.ts";
import { showDue, showValue } from "./show.ts";

/** What there is to see when a test asks. */
export interface Scene {
  readonly waiting: readonly TaskInfo[];
  readonly performed: readonly Performed[];
  /** Calls to enqueue that have not settled. */
  readonly calls: number;
  readonly now: number;
}

/** The method of the kit that the test called: its stack is where the failure points to. */
type Caller = (...args: never) => unknown;

/**
 * @param count - how many there must be; `undefined` = at least one
 * @returns the first of them
 */
export function assertEnqueued(
  expectation: Expectation,
  count: number | undefined,
  scene: Scene,
  caller: Caller,
): TaskInfo {
  const found = scene.waiting.filter((task) => expectation.differences(task).length === 0);
  const [first] = found;
  if (first !== undefined && (count === undefined || found.length === count)) return first;
  const head =
    count === undefined
      ? `${expectation} is not enqueued`
      : `expected ${count} of ${expectation} to be enqueued, found ${found.length}`;
  const lines = [head, ...whatWaits(expectation, scene), ...whatElse(expectation, scene)];
  throw failure(lines, { expected: count ?? "at least 1", actual: found.length, caller });
}

export function assertNotEnqueued(expectation: Expectation, scene: Scene, caller: Caller): void {
  const found = scene.waiting.filter((task) => expectation.differences(task).length === 0);
  if (found.length > 0) {
    const head = `${expectation} is enqueued, and should not be`;
    const lines = [head, ...listed(found, (task) => describe(task, scene.now))];
    throw failure(lines, { expected: 0, actual: found.length, caller });
  }
  if (scene.calls > 0) {
    const lines = [`nobody can say yet whether ${expectation} is enqueued`, underWay(scene)];
    throw failure(lines, { expected: 0, actual: "unknown", caller });
  }
}

interface Counted {
  readonly expected: unknown;
  readonly actual: unknown;
  readonly caller: Caller;
}

/** The message says it all. The counts are for runners that print something of their own beside it. */
function failure(lines: readonly string[], { expected, actual, caller }: Counted): AssertionError {
  const error = new AssertionError({
    message: lines.join("\n"),
    expected,
    actual,
    stackStartFn: caller,
  });
  // Vitest's word for: no comparison of the two.
  return Object.assign(error, { showDiff: false });
}

/** Those of the type that is meant come first, and say in what they differ. */
function whatWaits(expectation: Expectation, { waiting, now }: Scene): string[] {
  if (waiting.length === 0) return ["Nothing is enqueued."];
  const kin = waiting.filter((task) => expectation.isKin(task));
  const others = waiting.filter((task) => !expectation.isKin(task));
  const lines = listed([...kin, ...others], (task) => {
    const differences = expectation.isKin(task) ? expectation.differences(task) : [];
    return [...describe(task, now), ...differences.map((line) => `    ≠ ${line}`)];
  });
  return [waiting.length === 1 ? "Enqueued is:" : `Enqueued are ${waiting.length}:`, ...lines];
}

/** What may be the reason. */
function whatElse(expectation: Expectation, scene: Scene): string[] {
  const ran = scene.performed.filter((performed) => expectation.isKin(performed));
  const lines = ran
    .slice(-SHOWN)
    .map(({ type, attempt, outcome }) => `${type}, attempt ${attempt}: ${outcome}`);
  return [
    ...(lines.length > 0 ? ["Run already:", ...lines.map((line) => `  ${line}`)] : []),
    ...(scene.calls > 0 ? [underWay(scene)] : []),
  ];
}

function underWay({ calls }: Scene): string {
  return calls === 1
    ? "A call to enqueue is still under way: wait for it first."
    : `${calls} calls to enqueue are still under way: wait for them first.`;
}

/** Tasks shown of many. */
const SHOWN = 10;

function listed(tasks: readonly TaskInfo[], show: (task: TaskInfo) => string[]): string[] {
  const more = tasks.length - SHOWN;
  return [...tasks.slice(0, SHOWN).flatMap(show), ...(more > 0 ? [`  … and ${more} more`] : [])];
}

function describe(task: TaskInfo, now: number): string[] {
  const { type, queue, state, group, nextProcessAt, lastError } = task;
  let facts = `${state} in ${queue}`;
  if (group !== undefined) facts += `, group ${group}`;
  if (nextProcessAt !== undefined && state !== "pending")
    facts += `, due ${showDue(nextProcessAt.getTime(), now)}`;
  if (lastError !== undefined) facts += `, after: ${lastError}`;
  return [`  ${type}${payloadText(task)}`, `    ${facts}`];
}

function payloadText(task: TaskInfo): string {
  if (task.bytes === undefined) return "";
  try {
    return ` ${showValue(task.payload)}`;
  } catch {
    // Not JSON: a codec's, or of another program.
    return ` (${task.bytes.length} bytes)`;
  }
}
