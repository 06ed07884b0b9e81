import { InvalidOptionError } from "./errors.ts";

/** ` (did you mean "timeout"?)` when `word` looks like a slip of one of `known`, else nothing. */
export function suggestion(word: string, known: readonly string[]): string {
  let best: string | undefined;
  let bestDistance = Math.min(3, Math.ceil(word.length / 2));
  for (const candidate of known) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance || (distance === bestDistance && best === undefined)) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best === undefined ? "" : ` (did you mean "${best}"?)`;
}

/**
 * Refuses a property of `options` that is not in `known`: a misspelt option would do nothing, without a word. Refuses
 * what is no object at all, too.
 *
 * @param where - whose options they are, for the message
 */
export function requireKnownNames(where: string, options: object, known: readonly string[]): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new InvalidOptionError("options", `expected an object for ${where}`);
  }
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) throw unknownName(where, name, known);
  }
}

export function unknownName(where: string, name: string, known: readonly string[]): InvalidOptionError {
  return new InvalidOptionError(name, `${where} has no such option${suggestion(name, known)}`);
}

/** Insertions, deletions and replacements that lead from one word to the other; words over 64 characters count as far. */
function editDistance(a: string, b: string): number {
  if (a.length > 64 || b.length > 64) return Number.POSITIVE_INFINITY;
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replace, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}
