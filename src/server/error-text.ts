import { inspect } from "node:util";
import { TitanQueueError } from "../errors.ts";
import { safeText } from "../protocol/utf8.ts";

/** Longest error text that is stored with a task, in bytes of UTF-8. */
export const MAX_ERROR_BYTES = 4_096;

/**
 * What is stored as a task's error: bounded, valid UTF-8, and never empty, whatever a handler threw. A Go peer refuses
 * a message with one bad byte, and a handler may throw anything: text, `null`, a Proxy, an error whose `message` throws.
 */
export function errorText(thrown: unknown): string {
  return safeText(plainText(thrown), MAX_ERROR_BYTES);
}

/** Frames of a stack that are logged. */
const SHOWN_FRAMES = 5;

/** What is logged of whatever was thrown: its text, and where it comes from unless that is this package. */
export function errorFields(thrown: unknown): { readonly error: string; readonly stack?: string } {
  const stack = firstFrames(thrown);
  return { error: errorText(thrown), ...(stack !== "" && { stack }) };
}

function firstFrames(thrown: unknown): string {
  try {
    if (!isError(thrown) || thrown instanceof TitanQueueError) return "";
    const frames = String(thrown.stack)
      .slice(0, MAX_ERROR_BYTES)
      .split("\n")
      .filter((line) => /^\s+at /.test(line));
    return safeText(
      frames
        .slice(0, SHOWN_FRAMES)
        .map((frame) => frame.trim())
        .join(" "),
      MAX_ERROR_BYTES,
    );
  } catch {
    return "";
  }
}

function plainText(thrown: unknown): string {
  try {
    const text = isError(thrown) ? textOfError(thrown) : textOfValue(thrown);
    return text.trim() === "" ? "an error without a text" : text;
  } catch {
    return "an error that cannot be shown";
  }
}

/** By shape, so that errors of another realm (a vm context, as Jest's) count too. */
function isError(thrown: unknown): thrown is Error {
  return typeof thrown === "object" && thrown !== null && "message" in thrown && "stack" in thrown;
}

/** As Go's `err.Error()` for our own and plain errors; others carry their class's name, which often says the most. */
function textOfError(error: Error): string {
  const message = messageOf(error);
  if (error instanceof TitanQueueError) return message;
  const name = String(error.name);
  if (message === "") return name;
  return name === "" || name === "Error" ? message : `${name}: ${message}`;
}

/** Node's failed connections are an AggregateError that says nothing itself. */
function messageOf(error: Error): string {
  const message = textOfValue(error.message);
  const inner: unknown = (error as { errors?: unknown }).errors;
  if (message !== "" || !Array.isArray(inner)) return message;
  return inner
    .slice(0, 5)
    .map((each: unknown) => (isError(each) ? textOfValue(each.message) : textOfValue(each)))
    .join("; ");
}

function textOfValue(value: unknown): string {
  if (typeof value === "string") return value.slice(0, MAX_ERROR_BYTES);
  return inspect(value, { depth: 2, maxArrayLength: 20, maxStringLength: 512, breakLength: Infinity });
}
