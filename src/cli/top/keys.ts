/** What a key of the live screen means. */
export type Key = "up" | "down" | "first" | "last" | "pause" | "refresh" | "view" | "help" | "quit" | "stop";

/** Keys as a terminal in raw mode sends them. */
const KEYS: Readonly<Record<string, Key>> = {
  "\x1b[A": "up",
  "\x1bOA": "up",
  k: "up",
  "\x1b[B": "down",
  "\x1bOB": "down",
  j: "down",
  "\x1b[H": "first",
  g: "first",
  "\x1b[F": "last",
  G: "last",
  p: "pause",
  " ": "pause",
  r: "refresh",
  "\t": "view",
  "?": "help",
  h: "help",
  q: "quit",
  "\x03": "quit",
  "\x04": "quit",
  "\x1b": "quit",
  "\x1a": "stop",
};

/** What is written of them on the help page. */
export const KEY_HELP: readonly (readonly [string, string])[] = [
  ["↑ ↓  k j", "move"],
  ["g G", "to the first, to the last"],
  ["p  space", "pause or resume the queue"],
  ["tab", "queues, servers, workers"],
  ["r", "look again now"],
  ["?  h", "this page"],
  ["q  Esc  Ctrl+C", "quit"],
];

/** The keys in what a terminal has sent; what means nothing is left out. */
export function keysOf(text: string): Key[] {
  // An escape sequence is one key, or a lone Escape; everything else is a character.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what they are
  const pressed = text.match(/\x1b(?:\[[\d;]*[ -/]*[@-~]|O[A-Z])?|[^\x1b]/gsu) ?? [];
  return pressed.flatMap((key) => (Object.hasOwn(KEYS, key) ? [KEYS[key] as Key] : []));
}
