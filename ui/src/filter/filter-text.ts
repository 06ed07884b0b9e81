/**
 * A filter as somebody types it: taken apart for the box that shows it, also while it is not finished. What it means, and
 * whether it means anything, only the monitor says.
 */
export interface FilterWord {
  /** As it was written: `-type:"a b"`. */
  readonly text: string;
  /** Where it begins, in the filter. */
  readonly at: number;
  readonly negated: boolean;
  /** Before the colon: `payload.user.id`; `null`: there is no colon yet. */
  readonly field: string | null;
  readonly contains: boolean;
  /** Without its quotes. */
  readonly value: string;
}

/** The words of a filter. Spaces within quotes are not between words. */
export function filterWords(filter: string): readonly FilterWord[] {
  const words: FilterWord[] = [];
  const pattern = /(?:[^\s":]*:~?"(?:[^"\\]|\\[\s\S])*(?:"|$)|\S)+?(?=\s|$)/g;
  for (const { 0: text, index } of filter.matchAll(pattern)) words.push(readWord(text, index));
  return words;
}

function readWord(text: string, at: number): FilterWord {
  const negated = text.startsWith("-");
  const rest = negated ? text.slice(1) : text;
  const colon = rest.indexOf(":");
  if (colon < 0) return { text, at, negated, field: null, contains: false, value: rest };
  const after = rest.slice(colon + 1);
  const contains = after.startsWith("~");
  return {
    text,
    at,
    negated,
    field: rest.slice(0, colon),
    contains,
    value: unquoted(contains ? after.slice(1) : after),
  };
}

function unquoted(value: string): string {
  if (!value.startsWith('"')) return value;
  const end = value.length > 1 && value.endsWith('"') ? -1 : undefined;
  return value.slice(1, end).replaceAll(/\\([\s\S])/g, "$1");
}

/** A value as the filter language wants it: in quotes where it has spaces or quotes. */
export function quotedValue(value: string): string {
  return /^[^\s"\\~][^\s"\\]*$/.test(value) ? value : `"${value.replaceAll(/["\\]/g, "\\$&")}"`;
}

export function joined(words: readonly { readonly text: string }[]): string {
  return words.map(({ text }) => text).join(" ");
}

/** The filter with one condition of that field, in place of those it had; `null`: with none. */
export function withField(filter: string, field: string, value: string | null): string {
  const others = filterWords(filter).filter((word) => word.field !== field);
  const added = value === null ? [] : [{ text: `${field}:${quotedValue(value)}` }];
  return joined([...others, ...added]);
}

/** The value that a filter asks of a field, where it asks for exactly one. */
export function fieldOf(filter: string, field: string): string | null {
  const [word, ...more] = filterWords(filter).filter((each) => each.field === field);
  return word === undefined || more.length > 0 || word.negated || word.contains ? null : word.value;
}

/** Which word a position of the filter lies in, for what the monitor complains of. */
export function wordAt(words: readonly FilterWord[], position: number): number {
  const at = words.findIndex((word) => position <= word.at + word.text.length);
  return at < 0 ? words.length - 1 : at;
}
