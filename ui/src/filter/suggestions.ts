import { STATE_MEANINGS, STATES } from "../components/states.ts";
import { quotedValue } from "./filter-text.ts";

/** Something to go on with in the box of the filter. */
export interface Suggestion {
  /** What is typed becomes this. */
  readonly text: string;
  /** What it means. */
  readonly hint: string;
  /** A whole condition; else its value is still to come. */
  readonly isWhole: boolean;
}

/** What there is to choose from, as far as the page knows. */
export interface KnownValues {
  readonly queues: readonly string[];
  readonly types: readonly string[];
  /** Ways into payloads that were seen: `user.id`. */
  readonly paths: readonly string[];
}

const FIELDS: readonly (readonly [field: string, hint: string])[] = [
  ["type", "its type, as email:*"],
  ["state", "active, pending, retry, …"],
  ["queue", "the queue it is in"],
  ["id", "its id"],
  ["error", "its last error; ~ for a part of it"],
  ["payload", "the text of its payload; ~ for a part of it"],
  ["group", "the group it waits in"],
  ["since", "when something last became of it: 1h ago or later"],
  ["before", "and before that"],
];

const LENGTHS: readonly (readonly [value: string, hint: string])[] = [
  ["15m", "a quarter of an hour ago"],
  ["1h", "an hour ago"],
  ["24h", "a day ago"],
  ["7d", "a week ago"],
];

const MOST = 8;

/** What one may mean by the word that is being typed. */
export function suggestionsFor(typed: string, known: KnownValues): readonly Suggestion[] {
  const minus = typed.startsWith("-") ? "-" : "";
  const word = typed.slice(minus.length);
  const colon = word.indexOf(":");
  const found =
    colon < 0 ? fieldsFor(word, known) : valuesFor(word.slice(0, colon), word.slice(colon + 1), known);
  return found.slice(0, MOST).map((each) => ({ ...each, text: minus + each.text }));
}

function fieldsFor(word: string, { types, queues, paths }: KnownValues): readonly Suggestion[] {
  const lower = word.toLowerCase();
  const fields = FIELDS.filter(([field]) => field.startsWith(lower)).map(([field, hint]) => ({
    text: `${field}:`,
    hint,
    isWhole: false,
  }));
  if (lower.startsWith("payload") && word !== "payload") return [...fields, ...pathsFor(word, paths)];
  if (word === "") return fields;
  // A word alone is no condition, but says what somebody looks for.
  const value = quotedValue(word);
  return [
    ...fields,
    ...matching(types, lower).map((type) => whole(`type:${quotedValue(type)}`, "this type")),
    ...matching(queues, lower).map((queue) => whole(`queue:${quotedValue(queue)}`, "this queue")),
    whole(`error:~${value}`, "in its error"),
    whole(`payload:~${value}`, "in its payload"),
    whole(`id:${value}`, "as its id"),
  ];
}

function pathsFor(word: string, paths: readonly string[]): readonly Suggestion[] {
  const typed = word.slice("payload.".length).toLowerCase();
  return paths
    .filter((path) => path.toLowerCase().startsWith(typed))
    .map((path) => ({ text: `payload.${path}:`, hint: "a value in its payload", isWhole: false }));
}

function valuesFor(field: string, typed: string, known: KnownValues): readonly Suggestion[] {
  const lower = typed.replace(/^~?"?/, "").toLowerCase();
  const pick = (values: readonly string[], hint: string) =>
    matching(values, lower).map((value) => whole(`${field}:${quotedValue(value)}`, hint));
  switch (field) {
    case "state":
      return STATES.filter((state) => state.startsWith(lower)).map((state) =>
        whole(`state:${state}`, STATE_MEANINGS[state]),
      );
    case "queue":
      return pick(known.queues, "");
    case "type":
      return pick([...families(known.types), ...known.types], "");
    case "since":
    case "before":
      return LENGTHS.filter(([value]) => value.startsWith(lower)).map(([value, hint]) =>
        whole(`${field}:${value}`, hint),
      );
    default:
      return [];
  }
}

function whole(text: string, hint: string): Suggestion {
  return { text, hint, isWhole: true };
}

/** Those that begin so come before those that have it somewhere. */
function matching(values: readonly string[], lower: string): readonly string[] {
  const has = values.filter((value) => value.toLowerCase().includes(lower));
  const begins = (value: string) => Number(value.toLowerCase().startsWith(lower));
  return has.toSorted((a, b) => begins(b) - begins(a)).slice(0, MOST);
}

/** `email:*`, where there are several of that kind. */
function families(types: readonly string[]): readonly string[] {
  const heads = types.map((type) => type.slice(0, type.indexOf(":") + 1)).filter((head) => head !== "");
  return [...new Set(heads.filter((head, at) => heads.indexOf(head) !== at))].map((head) => `${head}*`);
}

/** Ways into the payloads of some tasks, out of the beginnings that a table knows. */
export function payloadPaths(previews: readonly (string | null)[]): readonly string[] {
  const paths = new Set<string>();
  for (const preview of previews) {
    const value = preview?.startsWith("{") ? parsed(preview) : undefined;
    if (value !== undefined) addPaths(paths, value, "", 0);
  }
  return [...paths];
}

/** Further in, nobody types a way. */
const DEEPEST = 3;
const MOST_PATHS = 100;

function addPaths(paths: Set<string>, value: unknown, before: string, depth: number): void {
  if (typeof value !== "object" || value === null || Array.isArray(value) || depth >= DEEPEST) return;
  for (const [key, each] of Object.entries(value)) {
    if (!/^[\w-]+$/.test(key) || paths.size >= MOST_PATHS) continue;
    const isBranch = typeof each === "object" && each !== null && !Array.isArray(each);
    if (isBranch) addPaths(paths, each, `${before}${key}.`, depth + 1);
    else paths.add(before + key);
  }
}

/** The beginning of a JSON text is none itself. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
