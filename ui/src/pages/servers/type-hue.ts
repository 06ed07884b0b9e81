/** A hue for a type of task: the same wherever and whenever it is shown. */
export function typeHue(type: string): number {
  let hash = 2_166_136_261;
  for (let i = 0; i < type.length; i += 1) hash = Math.imul(hash ^ type.charCodeAt(i), 16_777_619);
  // Golden angles: types whose numbers are close are far apart on the circle.
  return Math.round(((hash >>> 0) * 137.508) % 360);
}
