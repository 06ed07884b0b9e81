type Value = number | null | undefined;
/** Instants and, for each, what a line is at: `null` where it has a gap. */
type At = ArrayLike<number>;
type Values = ArrayLike<Value>;

/** What a line is at between two of its points, or at one; `undefined`: it is not there. */
function valueAt(at: At, values: Values, place: number): number | undefined {
  for (let i = 0; i < at.length; i++) {
    const [here, value] = [at[i] ?? 0, values[i]];
    if (here < place) continue;
    if (value === null || value === undefined) return undefined;
    if (here === place) return value;
    const [before, last] = [at[i - 1], values[i - 1]];
    if (before === undefined || last === null || last === undefined) return undefined;
    return last + ((value - last) * (place - before)) / (here - before);
  }
  return undefined;
}

/** The points of a line from one instant to another, and where it enters and leaves what is between them. */
function shown(at: At, values: Values, min: number, max: number): number[] {
  const found = [valueAt(at, values, min)];
  for (let i = 0; i < at.length; i++) {
    const place = at[i] ?? 0;
    if (place > min && place < max) found.push(values[i] ?? undefined);
  }
  found.push(valueAt(at, values, max));
  return found.filter((value) => value !== undefined);
}

/**
 * Where a line leaves the part of a chart that is shown: between two points, if it goes on beyond it, or else at its last
 * point. `undefined`: nothing of it is shown.
 */
export function endOf(at: At, values: Values, min: number, max: number): number | undefined {
  return shown(at, values, min, max).at(-1);
}

/** How far up the lines go in the part of a chart that is shown; 0: nowhere. */
export function highestOf(at: At, lines: readonly Values[], min: number, max: number): number {
  return lines.reduce<number>((most, values) => {
    return shown(at, values, min, max).reduce((highest, value) => Math.max(highest, value), most);
  }, 0);
}
