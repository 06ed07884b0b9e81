import { safe, safeJson } from "./safe-text.ts";
import { type Column, type Fact, facts, table } from "./table.ts";
import { type Terminal, terminalOf } from "./terminal.ts";
import { type Told, tell } from "./told-error.ts";

export interface OutputOptions {
  readonly json?: boolean | undefined;
  readonly jsonl?: boolean | undefined;
  /** False: `--no-color`. */
  readonly color?: boolean | undefined;
}

/** A list as every command answers one: a name in the JSON document, and a look for people. */
export interface List<T> {
  readonly name: string;
  readonly items: readonly T[];
  readonly look: Look<T>;
  /** What JSON says of an item. @defaultValue the item */
  readonly json?: (item: T) => unknown;
  /** What else the JSON document says, beside the list. */
  readonly also?: object;
  /** What people read when there is nothing. */
  readonly empty?: string;
}

/** For people: a table, names and values of each item, or a line for each, which is made harmless. */
export type Look<T> =
  | { readonly columns: readonly Column<T>[] }
  | { readonly facts: (item: T) => readonly Fact[] }
  | { readonly line: (item: T) => string };

/**
 * What a command says: to people on standard output as text, or to programs as one JSON document (`--json`) or as one a
 * line (`--jsonl`). Whatever else there is to be told goes to standard error.
 */
export class Output {
  readonly mode: "text" | "json" | "jsonl";
  readonly stdout: Terminal;
  readonly stderr: Terminal;

  constructor({ json = false, jsonl = false, color = true }: OutputOptions) {
    this.mode = jsonl ? "jsonl" : json ? "json" : "text";
    this.stdout = terminalOf(process.stdout, color);
    this.stderr = terminalOf(process.stderr, color);
  }

  list<T>(list: List<T>): void {
    const { name, items, look, json = (item) => item, also, empty } = list;
    if (this.mode === "jsonl") for (const item of items) this.#line(json(item));
    else if (this.mode === "json") this.#line({ [name]: items.map(json), ...also });
    else if (items.length === 0) {
      if (empty !== undefined) this.note(empty);
    } else this.#write(this.#looks(look, items));
  }

  /** One thing: its JSON document, and for people names with values. */
  facts(document: object, rows: readonly Fact[]): void {
    if (this.mode === "text") this.#write(facts(rows, this.stdout.colors));
    else this.#line(document);
  }

  /** For people a line, for programs the document. */
  say(document: object, text: string): void {
    if (this.mode === "text") this.#write(`${safe(text)}\n`);
    else this.#line(document);
  }

  /** A line for people which the caller has made harmless, and coloured. */
  painted(line: string): void {
    this.#write(`${line}\n`);
  }

  /** Bytes as they are, for `--raw`. */
  raw(bytes: Uint8Array): void {
    process.stdout.write(bytes);
  }

  /** For people only, and not part of the answer: to standard error. */
  note(text: string): void {
    if (this.mode === "text") process.stderr.write(`${text}\n`);
  }

  warn(code: string, message: string): void {
    if (this.mode === "text")
      process.stderr.write(`titanqueue: ${this.stderr.colors.yellow("warning")}: ${message}\n`);
    else process.stderr.write(`${safeJson({ warning: { code, message } })}\n`);
  }

  /** What went wrong: for people a line and its remedy, for programs an object with the code, on standard error. */
  error(told: Told): void {
    process.stderr.write(tell(told, this.mode === "text" ? "text" : "json"));
  }

  /** Resolves when everything has been handed over, so that the process may end. */
  async flushed(): Promise<void> {
    await new Promise((resolve) => process.stdout.write("", resolve));
  }

  #looks<T>(look: Look<T>, items: readonly T[]): string {
    if ("columns" in look) return table(look.columns, items, this.stdout);
    if ("line" in look) return items.map((item) => `${safe(look.line(item))}\n`).join("");
    return items.map((item) => facts(look.facts(item), this.stdout.colors)).join("\n");
  }

  #line(value: unknown): void {
    this.#write(`${safeJson(value)}\n`);
  }

  #write(text: string): void {
    process.stdout.write(text);
  }
}

/** A reader that has seen enough, as `head` does, ends the command without a word. */
export function endWithTheReader(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0);
    throw error;
  });
}
