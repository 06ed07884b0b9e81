import type { EnqueueOptions } from "../api/types.ts";

/** What stands in the fields for the options of a task: text, right or wrong. Empty: nothing is said. */
export interface OptionTexts {
  readonly maxRetry: string;
  readonly timeout: string;
  /** As the browser's field has it: `2026-11-24T19:45`, by its own clock. */
  readonly deadline: string;
  readonly retention: string;
  readonly unique: string;
  readonly uniqueKey: string;
  readonly taskId: string;
  /** `yes`, or nothing. */
  readonly replaceFinished: string;
  readonly group: string;
  /** `name=value`, one a line. */
  readonly headers: string;
}

export type OptionName = keyof OptionTexts;

export const NO_OPTIONS: OptionTexts = {
  maxRetry: "",
  timeout: "",
  deadline: "",
  retention: "",
  unique: "",
  uniqueKey: "",
  taskId: "",
  replaceFinished: "",
  group: "",
  headers: "",
};

export const OPTION_NAMES = Object.keys(NO_OPTIONS) as readonly OptionName[];

const LENGTH = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/;
const A_LENGTH = "A length, as 30s, 10m or 1h30m.";

/** What is wrong with a text that has to be a length; `null`: nothing is, or there is none. */
export function lengthProblem(text: string): string | null {
  const length = text.trim();
  return length === "" || LENGTH.test(length) ? null : A_LENGTH;
}

/** What can be told to be wrong without asking, by field. */
export function optionProblems(texts: OptionTexts): Partial<Record<OptionName, string>> {
  const problems: Partial<Record<OptionName, string>> = {};
  const isEmpty = (name: OptionName) => texts[name].trim() === "";
  for (const name of ["timeout", "retention", "unique"] as const) {
    const problem = lengthProblem(texts[name]);
    const isNone = name === "timeout" && texts[name].trim() === "none";
    if (problem !== null && !isNone) problems[name] = problem;
  }
  if (!/^\d{0,10}$/.test(texts.maxRetry.trim())) problems.maxRetry = "A whole number, as 25.";
  if (!isEmpty("deadline") && instantOf(texts.deadline) === null) problems.deadline = "This is no time.";
  if (!isEmpty("uniqueKey") && isEmpty("unique")) problems.unique = "How long is the key held?";
  if (!isEmpty("replaceFinished") && isEmpty("taskId")) problems.taskId = "Which task gives way?";
  const bad = linesOf(texts.headers).find((line) => line.indexOf("=") < 1);
  if (bad !== undefined) problems.headers = `Write name=value: ${bad.slice(0, 40)}`;
  return problems;
}

/** What texts without problems say; options that they say nothing of are left out. */
export function optionsOf(texts: OptionTexts): EnqueueOptions {
  const given = (name: OptionName) => {
    const text = texts[name].trim();
    return text === "" ? {} : { [name]: text };
  };
  const deadline = instantOf(texts.deadline);
  const headers = headersOf(texts.headers);
  return {
    ...given("taskId"),
    ...(texts.maxRetry.trim() !== "" && { maxRetry: Number(texts.maxRetry.trim()) }),
    ...given("timeout"),
    ...given("retention"),
    ...given("unique"),
    ...given("uniqueKey"),
    ...given("group"),
    ...(deadline !== null && { deadline }),
    ...(texts.replaceFinished.trim() !== "" && { replaceFinished: true }),
    ...(headers.length > 0 && { headers }),
  };
}

/** Of a field for a time, by the browser's zone; `null`: there is none. */
export function instantOf(local: string): number | null {
  const at = new Date(local.trim()).getTime();
  return Number.isNaN(at) ? null : at;
}

function headersOf(text: string): { name: string; value: string }[] {
  return linesOf(text).map((line) => {
    const at = line.indexOf("=");
    return { name: line.slice(0, at).trim(), value: line.slice(at + 1) };
  });
}

function linesOf(text: string): readonly string[] {
  return text.split("\n").filter((line) => line.trim() !== "");
}
