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

  /** The JSON without secrets; `undefined`: they cannot be told apart, so none of it may be shown. */
  redactJson(json: string): { readonly text: string; readonly redacted: boolean } | undefined {
    if (json.length > MOST_BYTES) return undefined;
    let redacted = false;
    const replace = (key: string, value: unknown): unknown => {
      if (!this.isSecret(key)) return value;
      redacted = true;
      return REDACTED;
    };
    try {
      const text = JSON.stringify(JSON.parse(json, undefined), replace);
      return { text: redacted ? text : json, redacted };
    } catch (error) {
      // Lists in lists in lists, beyond what the stack holds.
      if (error instanceof RangeError) return undefined;
      throw error;
    }
  }
}

function plainOf(key: string): string {
  return key.toLowerCase().replaceAll(/[-_]/g, "");
}
