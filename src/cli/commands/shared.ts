import { InvalidArgumentError, Option } from "commander";
import type { TaskState } from "titanqueue";
import { Refusal } from "../ending.ts";

export const STATES: readonly TaskState[] = [
  "active",
  "pending",
  "scheduled",
  "retry",
  "archived",
  "completed",
  "aggregating",
];

/** Options that several commands have, each written once. */
export const queueOption = () => new Option("-q, --queue <queue>", "the queue");
export const stateOption = (states: readonly TaskState[] = STATES) =>
  new Option("-s, --state <state>", "the tasks in this state").choices(states);
export const groupOption = () => new Option("-g, --group <group>", "the group, for aggregating tasks");
export const yesOption = () => new Option("-y, --yes", "do not ask");
export const rateOption = () =>
  new Option("--rate <number>", "tasks changed in a second, at most").argParser(positiveNumber);
export const limitOption = () =>
  new Option("--limit <number>", "change at most so many").argParser(wholeNumber(1));
export const filterOption = () =>
  new Option(
    "--filter <filter>",
    "only tasks that meet it; `titanqueue search --help` says how it is written",
  );
export const jsonlOption = () => new Option("--jsonl", "one JSON document a line instead of one for all");
export const pageOption = () =>
  new Option("--page <number>", "counts from 1").default(1).argParser(wholeNumber(1));
export const sizeOption = () =>
  new Option("--size <number>", "how many of them a page has, at most 1000")
    .default(30)
    .argParser(wholeNumber(1, 1_000));

/** Reads a whole number from `least` to `most`. */
export function wholeNumber(least: number, most: number = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
    throw new InvalidArgumentError(`Expected a whole number ${range}.`);
  };
}

/** Reads a number above 0. */
function positiveNumber(text: string): number {
  const value = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && value > 0) return value;
  throw new InvalidArgumentError("Expected a number above 0.");
}

/** Ids as words and by asynq's `--id`, at least one of them. */
export function idsOf(words: readonly string[], id: string | undefined): readonly string[] {
  const ids = id === undefined ? words : [...words, id];
  if (ids.length === 0) throw new Refusal("which task? name its id");
  return ids;
}
