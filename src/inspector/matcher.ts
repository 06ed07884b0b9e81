import type { TaskRecord, TaskState } from "../broker/inspection.ts";
import { type Filter, type FilterTerm, instantOf } from "./filter.ts";
import { STATES } from "./states.ts";

type Test = (task: TaskRecord) => boolean;

/** A filter, ready for use. */
export interface Matcher {
  readonly matches: Test;
  /** Tasks in other states cannot match. */
  readonly states: readonly TaskState[];
  /** The only task that can match, if there is only one. */
  readonly id: string | undefined;
  /** Whether tasks of that queue can match. */
  readonly servesQueue: (queue: string) => boolean;
}

/** @param now - lengths of time are counted back from this instant */
export function matcher({ terms }: Filter, now: number): Matcher {
  const tests = terms.map((term): Test => {
    const test = testOf(term, now);
    return term.negated === true ? (task) => !test(task) : test;
  });
  const speakOf = (field: FilterTerm["field"]) => terms.filter((term) => term.field === field);
  const meets = (value: string) => (term: FilterTerm) => textTest(term)(value) !== (term.negated === true);
  return {
    matches: (task) => tests.every((test) => test(task)),
    states: STATES.filter((state) => speakOf("state").every(meets(state))),
    id: speakOf("id").find(
      ({ value, contains, negated }) => contains !== true && negated !== true && !value.includes("*"),
    )?.value,
    servesQueue: (queue) => speakOf("queue").every(meets(queue)),
  };
}

function testOf(term: FilterTerm, now: number): Test {
  const fits = textTest(term);
  switch (term.field) {
    case "id":
      return ({ id }) => fits(id);
    case "state":
      return ({ state }) => fits(state);
    case "queue":
      return ({ queue }) => fits(queue);
    case "type":
      return ({ message }) => message !== undefined && fits(message.type);
    case "group":
      return ({ message }) => message !== undefined && fits(message.groupKey);
    case "error":
      return ({ message }) => message !== undefined && fits(message.errorMsg);
    case "payload":
      return payloadTest(term.path, fits);
    case "since":
    case "before": {
      const limit = instantOf(term.value, now);
      const isSince = term.field === "since";
      return (task) => {
        const at = lastMoment(task);
        return at !== undefined && (isSince ? at >= limit : at < limit);
      };
    }
  }
}

/** When a task ended, else when it failed last, else when it is due. Neither is known of others. */
function lastMoment({ message, nextProcessAt }: TaskRecord): number | undefined {
  const seconds = Number(message?.completedAt) || Number(message?.lastFailedAt) || 0;
  return seconds > 0 ? seconds * 1_000 : nextProcessAt;
}

function payloadTest(path: readonly string[] | undefined, fits: (text: string) => boolean): Test {
  return ({ message }) => {
    if (message?.payload === undefined) return false;
    const text = Buffer.from(message.payload).toString();
    if (path === undefined) return fits(text);
    let payload: unknown;
    try {
      payload = JSON.parse(text);
    } catch {
      // Not JSON: it has no values to look at.
      return false;
    }
    return valuesAt(payload, path).some((value) => fits(textOf(value)));
  };
}

/** The values that a path leads to: through a list it leads by number, or else to every one of its members. */
function valuesAt(value: unknown, path: readonly string[]): unknown[] {
  const [step, ...rest] = path;
  if (Array.isArray(value)) {
    if (step !== undefined && /^\d+$/.test(step)) return valuesAt(value[Number(step)], rest);
    return value.flatMap((member) => valuesAt(member, path));
  }
  if (step === undefined) return value === undefined ? [] : [value];
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, step)) return [];
  return valuesAt((value as Record<string, unknown>)[step], rest);
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}

function textTest({ value, contains }: FilterTerm): (text: string) => boolean {
  if (contains === true) {
    const part = value.toLowerCase();
    return (text) => text.toLowerCase().includes(part);
  }
  if (!value.includes("*")) return (text) => text === value;
  const parts = value.split("*");
  return (text) => fitsGlob(text, parts);
}

/** Whether the parts follow one another in the text, the first and the last one at its ends. Linear: nothing backtracks. */
function fitsGlob(text: string, parts: readonly string[]): boolean {
  const first = parts[0] ?? "";
  const last = parts.at(-1) ?? "";
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return text.length - last.length >= at && text.endsWith(last);
}
