import type { Content, TaskDetail } from "../../api/types.ts";

/** What it takes to enqueue a task like this once more. */
type Told = Pick<
  TaskDetail,
  "type" | "queue" | "maxRetry" | "timeout" | "retention" | "group" | "headers" | "payload"
>;

/** Why a payload cannot be written out; `null`: it can. */
export function whyNotWhole({ truncated, redacted }: Content): string | null {
  if (redacted) return "Parts of its payload are hidden from you.";
  return truncated ? "Only the beginning of its payload is here." : null;
}

/** Code in TypeScript that enqueues a task like this. */
export function taskCode(task: Told): string {
  const { type, queue, maxRetry, timeout, retention, group, headers } = task;
  const options: [string, string][] = [
    ["queue", text(queue)],
    ["maxRetry", String(maxRetry)],
  ];
  if (timeout !== null) options.push(["timeout", text(lengthText(timeout))]);
  if (retention > 0) options.push(["retention", text(lengthText(retention))]);
  if (group) options.push(["group", text(group)]);
  if (headers.length > 0) {
    const pairs = headers.map(({ name, value }) => `${text(name)}: ${text(value)}`);
    options.push(["headers", `{ ${pairs.join(", ")} }`]);
  }
  const payload = payloadCode(task.payload);
  const args = payload === null ? text(type) : `${text(type)}, ${payload}`;
  return [
    'import { Client, Task } from "titanqueue";',
    "",
    "await using client = new Client(process.env.TITANQUEUE_URL);",
    `await client.enqueue(new Task(${args}), {`,
    ...options.map(([name, value]) => `  ${name}: ${value},`),
    "});",
    "",
  ].join("\n");
}

function payloadCode({ kind, text: payload }: Content): string | null {
  if (kind === "none") return null;
  // JSON is an expression of the language, but for a key that would set the prototype.
  if (kind === "json") return payload.includes("__proto__") ? `JSON.parse(${text(payload)})` : payload;
  return kind === "hex" ? `Buffer.from(${text(payload)}, "hex")` : `Buffer.from(${text(payload)})`;
}

function text(value: string): string {
  return JSON.stringify(value).replaceAll(/[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069]/g, escaped);
}

/** What cannot be seen, or turns the direction of a text, is written by its number. */
function escaped(sign: string): string {
  return `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

const UNITS = [
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
] as const;

/** `30s`, `90m`, `1500ms`: as options take it. */
export function lengthText(ms: number): string {
  const [unit, size] = UNITS.find(([, each]) => ms >= each && ms % each === 0) ?? ["ms", 1];
  return `${ms / size}${unit}`;
}

/** The command that enqueues a task like this; `null`: the command line takes only JSON. */
export function enqueueCommand(task: Told): string | null {
  const { type, queue, maxRetry, timeout, retention, group, headers, payload } = task;
  if (payload.kind === "text" || payload.kind === "hex") return null;
  const words = ["titanqueue task enqueue", "-t", shellWord(type), "-q", shellWord(queue)];
  if (payload.kind === "json") words.push("-l", shellWord(payload.text));
  words.push("--max-retry", String(maxRetry));
  if (timeout !== null) words.push("--timeout", lengthText(timeout));
  if (retention > 0) words.push("--retention", lengthText(retention));
  if (group) words.push("--group", shellWord(group));
  for (const { name, value } of headers) words.push("--header", shellWord(`${name}=${value}`));
  return words.join(" ");
}

/** The command that does something to this task. */
export function taskCommand(
  verb: "run" | "archive" | "delete" | "cancel" | "inspect",
  { queue, id }: Pick<TaskDetail, "queue" | "id">,
): string {
  const named = id.startsWith("-") ? `-i ${shellWord(id)}` : shellWord(id);
  return `titanqueue task ${verb} -q ${shellWord(queue)} ${named}`;
}

/** One word for a shell. Signs that a terminal would obey are written by their number. */
export function shellWord(word: string): string {
  if (/^[\w./:@-]+$/.test(word)) return word;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (!/[\u0000-\u001f\u007f-\u009f]/.test(word)) return `'${word.replaceAll("'", "'\\''")}'`;
  const signs = Array.from(word, (sign) => {
    const code = sign.codePointAt(0) ?? 0;
    if (sign === "'" || sign === "\\") return `\\${sign}`;
    const obeyed = code < 0x20 || (code >= 0x7f && code <= 0x9f);
    return obeyed ? `\\u${code.toString(16).padStart(4, "0")}` : sign;
  });
  return `$'${signs.join("")}'`;
}
