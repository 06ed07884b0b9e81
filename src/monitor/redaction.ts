/** What stands in place of what a visitor may not see. */
export const REDACTED = "[redacted]";

export const DEFAULT_REDACTED_KEYS: readonly string[] = [
  "password",
  "passwd",
  "secret",
  "token",
  "authorization",
  "cookie",
  "api_key",
  "apikey",
  "private_key",
  "credential",
  "session",
  "card_number",
  "cvv",
  "iban",
  "ssn",
];

/** Beyond so many bytes, reading a payload just to hide parts of it costs too much: all of it is hidden. */
const MOST_BYTES = 262_144;
/** JSON in a string in JSON in a string …: beyond, all of it is hidden. */
const MOST_LAYERS = 4;

/** Hides the values of keys that sound secret, wherever they lie in a payload, and of headers of such a name. */
export class Redaction {
  readonly keys: readonly string[];

  /** @param keys - a key that contains one of these, whatever its case, `-` and `_`, is secret */
  constructor(keys: readonly string[]) {
    this.keys = keys;
  }

  isSecret(key: string): boolean {
    const plain = plainOf(key);
    return this.keys.some((each) => plain.includes(plainOf(each)));
  }

  /** The value of a header, for those who may not see it. */
  redactHeader(name: string, value: string): string {
    return this.isSecret(name) ? REDACTED : value;
  }

  /** An option of a scheduler's entry, of which `Header(["cookie","a=b"])` holds a value of a user. */
  redactOption(option: string): string {
    if (!option.startsWith("Header(")) return option;
    const name = /^Header\(\["((?:[^"\\]|\\.)*)",/.exec(option)?.[1];
    // What stands behind a backslash may be any letter.
    if (name !== undefined && !name.includes("\\") && !this.isSecret(name)) return option;
    return `Header(["${name ?? ""}","${REDACTED}"])`;
  }

  /**
   * The JSON without secrets; `undefined`: they cannot be told apart, so none of it may be shown.
   *
   * Goes over the text and not over what it parses to: a key that is there twice would be parsed to the later one, and
   * numbers would lose digits. Strings that hold JSON themselves are gone over as well.
   *
   * @param json - which parses
   */
  redactJson(json: string, layer = 0): { readonly text: string; readonly redacted: boolean } | undefined {
    if (json.length > MOST_BYTES || layer > MOST_LAYERS) return undefined;
    const pieces: string[] = [];
    let redacted = false;
    /** Up to where the text has been copied. */
    let copied = 0;
    const replace = (from: number, to: number, text: string) => {
      pieces.push(json.slice(copied, from), text);
      copied = to;
      redacted = true;
    };
    for (let at = 0; at < json.length; ) {
      if (json[at] !== '"') {
        at += 1;
        continue;
      }
      const end = stringEnd(json, at);
      const text = JSON.parse(json.slice(at, end)) as string;
      const next = afterSpace(json, end);
      if (json[next] === ":") {
        at = afterSpace(json, next + 1);
        if (!this.isSecret(text)) continue;
        const valueEnd = valueEndOf(json, at);
        replace(at, valueEnd, JSON.stringify(REDACTED));
        at = valueEnd;
        continue;
      }
      if (/^\s*[[{"]/.test(text) && parses(text)) {
        const inner = this.redactJson(text, layer + 1);
        if (inner === undefined) return undefined;
        if (inner.redacted) replace(at, end, JSON.stringify(inner.text));
      }
      at = end;
    }
    return { text: redacted ? pieces.join("") + json.slice(copied) : json, redacted };
  }
}

/** Behind the quote that ends the string which begins here. */
function stringEnd(json: string, start: number): number {
  let at = start + 1;
  while (json[at] !== '"') at += json[at] === "\\" ? 2 : 1;
  return at + 1;
}

function afterSpace(json: string, from: number): number {
  let at = from;
  while (/\s/.test(json[at] ?? "")) at += 1;
  return at;
}

/** Behind the value that begins here, however deep lists and objects lie in it. */
function valueEndOf(json: string, start: number): number {
  let depth = 0;
  for (let at = start; at < json.length; ) {
    const c = json[at];
    if (c === '"') {
      at = stringEnd(json, at);
      if (depth === 0) return at;
    } else if (c === "{" || c === "[") {
      depth += 1;
      at += 1;
    } else if (c === "}" || c === "]") {
      // The end of what holds a number or a word.
      if (depth === 0) return at;
      depth -= 1;
      at += 1;
      if (depth === 0) return at;
    } else if (depth === 0 && /[,\s]/.test(c ?? "")) return at;
    else at += 1;
  }
  return json.length;
}

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function plainOf(key: string): string {
  return key.toLowerCase().replaceAll(/[-_]/g, "");
}
