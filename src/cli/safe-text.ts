/**
 * What could do something to a terminal, or hide or forge text on it: control characters, line separators, marks of
 * direction, characters without a width, halves of a surrogate pair.
 */
const UNSAFE = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]/gu;

/** Text of others, such as a payload, an id or an error's message, that can do nothing to the terminal: `\x1b`, `\u202e`. */
export function safe(text: string): string {
  return text.replace(UNSAFE, (character) => {
    const code = character.charCodeAt(0);
    return code < 0x100 ? `\\x${hex(code, 2)}` : `\\u${hex(code, 4)}`;
  });
}

/** JSON that can do nothing to the terminal, and means the same: what JSON leaves as it is gets escaped as well. */
export function safeJson(value: unknown): string {
  const text = JSON.stringify(value);
  return text.replace(UNSAFE, (character) => `\\u${hex(character.charCodeAt(0), 4)}`);
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, "0");
}
