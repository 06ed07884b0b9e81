import { InvalidOptionError } from "../errors.ts";
import { isThenable } from "./thenable.ts";

/** Facts of one event. Never a payload, never a URL with a password. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Where log events go. A pino instance fits as it is. */
export interface Logger {
  debug(fields: LogFields, text: string): void;
  info(fields: LogFields, text: string): void;
  warn(fields: LogFields, text: string): void;
  error(fields: LogFields, text: string): void;
}

export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";

const ORDER: readonly LogLevel[] = ["debug", "info", "warn", "error", "silent"];

export const LOG_LEVELS: readonly LogLevel[] = ORDER;

/**
 * Passes events of `level` and above on to `logger`, which may be the user's: when it throws, or rejects later, the event
 * goes to standard error instead, without its fields, and whoever told it is not harmed.
 */
export function levelled(logger: Logger, level: LogLevel): Logger {
  const from = ORDER.indexOf(level);
  const pass = (name: Exclude<LogLevel, "silent">) => (fields: LogFields, text: string) => {
    if (ORDER.indexOf(name) < from) return;
    const failed = () => consoleLogger[name]({ logger: "failed" }, text);
    try {
      const answer: unknown = logger[name](fields, text);
      if (isThenable(answer)) answer.then(undefined, failed);
    } catch {
      failed();
    }
  };
  return { debug: pass("debug"), info: pass("info"), warn: pass("warn"), error: pass("error") };
}

/** @throws {@link InvalidOptionError} it lacks one of the methods. */
export function requireLogger(logger: Logger): Logger {
  for (const method of ["debug", "info", "warn", "error"] as const) {
    if (typeof logger?.[method] !== "function") {
      throw new InvalidOptionError(
        "logger",
        "expected an object with the methods debug, info, warn and error",
      );
    }
  }
  return logger;
}

/** One line an event on standard error: time, level, text, fields as `key=value`; control characters escaped. */
export const consoleLogger: Logger = {
  debug: (fields, text) => console.error(line("debug", fields, text)),
  info: (fields, text) => console.error(line("info", fields, text)),
  warn: (fields, text) => console.error(line("warn", fields, text)),
  error: (fields, text) => console.error(line("error", fields, text)),
};

const ignore = (): void => undefined;
export const silentLogger: Logger = { debug: ignore, info: ignore, warn: ignore, error: ignore };

function line(level: string, fields: LogFields, text: string): string {
  const facts = fieldsText(fields);
  const head = `${new Date().toISOString()} ${level.toUpperCase().padEnd(5)} titanqueue: ${oneLine(text)}`;
  return facts === "" ? head : `${head} ${facts}`;
}

/** `key=value key=value`, on one line whatever they hold. */
export function fieldsText(fields: LogFields): string {
  return Object.entries(fields)
    .map(([key, value]) => `${key}=${oneLine(fieldText(value))}`)
    .join(" ");
}

function fieldText(value: unknown): string {
  if (value instanceof Error) return JSON.stringify(value.message);
  if (typeof value === "string") return /^[\w.:/@-]+$/.test(value) ? value : JSON.stringify(value);
  if (typeof value === "object" && value !== null) return JSON.stringify(value) ?? "";
  return String(value);
}

/** Control characters, line separators and bidirectional marks, which could forge or hide a line of a log. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is being escaped
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** Text that can do nothing to the line it is printed in, nor to the terminal. */
export function oneLine(text: string): string {
  return text.replace(UNSAFE, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
