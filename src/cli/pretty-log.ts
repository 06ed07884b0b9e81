import colors from "picocolors";
import type { Clock, LogFields, Logger } from "titanqueue";
import { fieldsText, oneLine } from "../runtime/logger.ts";

/** The word at the head of a line, and how it is coloured where colours are to be had. */
const WORDS = {
  dev: colors.bold,
  debug: colors.dim,
  info: colors.cyan,
  warn: colors.yellow,
  error: colors.red,
  started: colors.dim,
  done: colors.green,
  completed: colors.green,
  retry: colors.yellow,
  requeue: colors.yellow,
  drop: colors.dim,
  archive: colors.red,
} as const;

export type LogWord = keyof typeof WORDS;

const WIDTH = Math.max(...Object.keys(WORDS).map((word) => word.length));

/** Log lines for a person at a terminal: the time of day, a word, a text, and facts in the background. */
export class PrettyLog implements Logger {
  readonly #write: (text: string) => unknown;
  readonly #clock: Pick<Clock, "now">;

  constructor(write: (text: string) => unknown, clock: Pick<Clock, "now">) {
    this.#write = write;
    this.#clock = clock;
  }

  debug(fields: LogFields, text: string): void {
    this.tell("debug", text, fields);
  }

  info(fields: LogFields, text: string): void {
    this.tell("info", text, fields);
  }

  warn(fields: LogFields, text: string): void {
    this.tell("warn", text, fields);
  }

  error(fields: LogFields, text: string): void {
    this.tell("error", text, fields);
  }

  /** `below`: further lines, such as the frames of a stack. */
  tell(word: LogWord, text: string, fields: LogFields = {}, below: readonly string[] = []): void {
    const head = `${colors.dim(timeOfDay(this.#clock.now()))} ${WORDS[word](word.padEnd(WIDTH))} ${oneLine(text)}`;
    const facts = fieldsText(fields);
    const lines = [facts === "" ? head : `${head} ${colors.dim(facts)}`];
    for (const line of below) lines.push(colors.dim(`${" ".repeat(WIDTH + 14)}${oneLine(line)}`));
    this.#write(`${lines.join("\n")}\n`);
  }
}

/** Local time, to the millisecond. */
function timeOfDay(now: number): string {
  const date = new Date(now);
  const two = (value: number) => String(value).padStart(2, "0");
  const ms = String(date.getMilliseconds()).padStart(3, "0");
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${ms}`;
}
