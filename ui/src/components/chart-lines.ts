type Value = number | null | undefined;

/**
 * Where a line leaves the part of a chart that is shown: between two points, if it goes on beyond it, or else at its last
 * point. `undefined`: nothing of it is shown.
 */
export function endOf(
  at: ArrayLike<number>,
  values: ArrayLike<Value>,
  min: number | null,
  max: number | null,
): number | undefined {
  if (min === null || max === null) return undefined;
  for (let i = at.length - 1; i >= 0; i--) {
    const [place, value] = [at[i] ?? 0, values[i]];
    if (place > max || value === null || value === undefined) continue;
    const [beyond, next] = [at[i + 1], values[i + 1]];
    const goesOn = beyond !== undefined && next !== null && next !== undefined;
    if (!goesOn) return place < min ? undefined : value;
    if (beyond <= min) return undefined;
    return value + ((next - value) * (max - place)) / (beyond - place);
  }
  return undefined;
}
