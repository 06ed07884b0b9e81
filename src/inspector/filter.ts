import { parseDuration } from "../duration.ts";
import { FilterInvalidError } from "../errors.ts";
import { suggestion } from "../suggestion.ts";
import { parseInstant } from "../task-options.ts";
import { requireState } from "./states.ts";

/** What a term of a filter speaks of. `payload` with a path: a value in it; without: its text. */
export type FilterField =
  | "id"
  | "type"
  | "state"
  | "queue"
  | "group"
  | "error"
  | "payload"
  | "since"
  | "before";

/** One condition. */
export interface FilterTerm {
  readonly field: FilterField;
  /** Of `payload`: the way to the value, as `["user", "id"]`. */
  readonly path?: readonly string[];
  /** What the value must be; `*` stands for any text. Of `since` and `before`: a length (ago) or an instant. */
  readonly value: string;
  /** The value must hold this text, upper or lower case; `*` stands for itself. */
  readonly contains?: boolean;
  /** Everything else is meant. */
  readonly negated?: boolean;
}

/** A search filter: a task must meet all terms. An empty one is met by every task. */
export interface Filter {
  readonly terms: readonly FilterTerm[];
}

const FIELDS: readonly FilterField[] = [
  "id",
  "type",
  "state",
  "queue",
  "group",
  "error",
  "payload",
  "since",
  "before",
];
const MOST_CHARACTERS = 4_096;
const HOW = "write field:value, as in type:email:* payload.user.id:42 error:~timeout since:1h";

/**
 * Reads a filter: words with a space between them, each `field:value`, `field:~text` (holds the text) or the same
 * behind a `-` (all others). A value with spaces stands in double quotes, in which `\` escapes.
 *
 * @throws {@link FilterInvalidError} with the position and what to write.
 */
export function parseFilter(text: string): Filter {
  if (typeof text !== "string") throw new FilterInvalidError(0, "a filter is a text", HOW);
  if (text.length > MOST_CHARACTERS) {
    throw new FilterInvalidError(
      MOST_CHARACTERS,
      `it is ${text.length} characters long`,
      "write a shorter one",
    );
  }
  const terms: FilterTerm[] = [];
  for (let at = nextWord(text, 0); at < text.length; ) {
    const { term, end } = readTerm(text, at);
    terms.push(term);
    at = nextWord(text, end);
  }
  return { terms };
}

/** Checks a filter that was put together by hand. */
export function checkedFilter(filter: string | Filter): Filter {
  if (typeof filter === "string") return parseFilter(filter);
  if (typeof filter !== "object" || filter === null || !Array.isArray(filter.terms)) {
    throw new FilterInvalidError(0, "a filter is a text, or an object with terms", HOW);
  }
  for (const term of filter.terms) {
    requireField(term.field, 0);
    if (typeof term.value !== "string")
      throw new FilterInvalidError(0, `${term.field} has no text as value`, HOW);
    requireValue(term, 0);
  }
  return filter;
}

function nextWord(text: string, from: number): number {
  let at = from;
  while (/\s/.test(text[at] ?? "")) at += 1;
  return at;
}

function readTerm(text: string, start: number): { term: FilterTerm; end: number } {
  let at = start;
  const negated = text[at] === "-";
  if (negated) at += 1;
  const nameStart = at;
  while (at < text.length && !/[\s:"]/.test(text[at] ?? "")) at += 1;
  const name = text.slice(nameStart, at);
  if (text[at] !== ":") {
    const word = text.slice(start, at) || text[at];
    throw new FilterInvalidError(start, `"${word}" is no condition`, HOW);
  }
  const [fieldName = "", ...path] = name.split(".");
  const field = requireField(fieldName, nameStart);
  if (path.length > 0 && (field !== "payload" || path.includes(""))) {
    const problem = field === "payload" ? "a step of the path is empty" : `${field} has no parts`;
    throw new FilterInvalidError(nameStart, problem, "write payload.user.id:42");
  }
  at += 1;
  const contains = text[at] === "~";
  if (contains) at += 1;
  const valueStart = at;
  const { value, end } = readValue(text, at);
  const term: FilterTerm = {
    field,
    ...(path.length > 0 && { path }),
    value,
    ...(contains && { contains }),
    ...(negated && { negated }),
  };
  requireValue(term, valueStart);
  return { term, end };
}

function readValue(text: string, start: number): { value: string; end: number } {
  if (text[start] !== '"') {
    let end = start;
    while (end < text.length && !/\s/.test(text[end] ?? "")) end += 1;
    return { value: text.slice(start, end), end };
  }
  let value = "";
  for (let at = start + 1; at < text.length; at += 1) {
    if (text[at] === '"') return { value, end: at + 1 };
    if (text[at] === "\\" && at + 1 < text.length) at += 1;
    value += text[at];
  }
  throw new FilterInvalidError(start, "a quoted text does not end", 'close it with "');
}

function requireField(name: string, position: number): FilterField {
  const field = FIELDS.find((each) => each === name);
  if (field !== undefined) return field;
  const problem =
    name === "" ? "a field is missing" : `there is no field "${name}"${suggestion(name, FIELDS)}`;
  throw new FilterInvalidError(position, problem, `fields are ${FIELDS.join(", ")}`);
}

function requireValue({ field, value, contains }: FilterTerm, position: number): void {
  if (value === "") throw new FilterInvalidError(position, `${field} has no value`, `write ${field}:value`);
  if (contains === true && ["state", "since", "before"].includes(field)) {
    throw new FilterInvalidError(position, `${field} holds no text`, `write ${field}:value without ~`);
  }
  try {
    if (field === "state") requireState(value);
    if (field === "since" || field === "before") instantOf(value, 0);
  } catch (error) {
    const problem = `${field} cannot be "${value}"`;
    const hint =
      field === "state" ? "write a state, as state:retry" : "write 1h, 2d, or 2030-01-31T09:00:00Z";
    throw new FilterInvalidError(position, problem, `${hint} (${(error as Error).message})`);
  }
}

const DAY = /^\d{4}-\d\d-\d\d$/;

/** Milliseconds; a length is counted back from `now`, a day begins at midnight UTC. */
export function instantOf(value: string, now: number): number {
  if (!value.includes("-")) return now - parseDuration("since", value);
  return parseInstant("since", DAY.test(value) ? `${value}T00:00:00Z` : value);
}
