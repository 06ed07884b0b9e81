/** A JSON text laid out, and its value; `undefined`: it is none after all. Large numbers keep their digits in the text. */
export function prettyJson(text: string): { readonly value: unknown; readonly text: string } | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text, keepDigits as (key: string, value: unknown) => unknown);
  } catch (error) {
    // A thousand brackets in each other are too deep for a reviver.
    if (error instanceof SyntaxError || error instanceof RangeError) return undefined;
    throw error;
  }
  return { value, text: indented(text) };
}

/** A number that JavaScript cannot hold, by its digits. */
export class LongNumber {
  readonly digits: string;

  constructor(digits: string) {
    this.digits = digits;
  }
}

function keepDigits(_: string, value: unknown, context?: { readonly source?: string }): unknown {
  const source = context?.source;
  if (typeof value !== "number" || source === undefined) return value;
  return /^-?\d{16,}$/.test(source) && String(value) !== source ? new LongNumber(source) : value;
}

/** Further in, lines begin where those before them do. */
const DEEPEST = 40;

/** Lays JSON out by its own signs, so that its numbers and its order stay as they were written. */
export function indented(json: string): string {
  const out: string[] = [];
  let depth = 0;
  let before = "";
  const newLine = () => out.push(`\n${"  ".repeat(Math.min(depth, DEEPEST))}`);
  for (const [token] of json.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g)) {
    const closes = token === "}" || token === "]";
    if (closes) {
      depth -= 1;
      if (before === "{" || before === "[") out.pop();
      else newLine();
    }
    out.push(token === ":" ? ": " : token);
    if (token === "{" || token === "[") depth += 1;
    if (token === "{" || token === "[" || token === ",") newLine();
    before = token;
  }
  return out.join("");
}

const WIDTH = 16;

/** Sixteen bytes a line, with where they are and what they would be as text. */
export function hexLines(hex: string): string {
  const lines: string[] = [];
  for (let at = 0; at < hex.length; at += WIDTH * 2) {
    const pairs = hex.slice(at, at + WIDTH * 2).match(/../g) ?? [];
    const text = pairs.map((pair) => {
      const code = Number.parseInt(pair, 16);
      return code >= 0x20 && code < 0x7f ? String.fromCharCode(code) : "·";
    });
    const place = (at / 2).toString(16).padStart(6, "0");
    lines.push(`${place}  ${pairs.join(" ").padEnd(WIDTH * 3 - 1)}  ${text.join("")}`);
  }
  return lines.join("\n");
}

export function utf8Hex(text: string): string {
  return Array.from(new TextEncoder().encode(text), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
