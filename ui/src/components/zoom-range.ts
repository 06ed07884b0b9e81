/** A part of the time that charts can show, in milliseconds. */
export type Zoom = readonly [from: number, to: number];

/** Out of the parameters of an address; `null`: there is none, or it is no part of time. */
export function readZoom(from: string | null, to: string | null): Zoom | null {
  const [first, last] = [Number(from ?? Number.NaN), Number(to ?? Number.NaN)];
  return first < last ? [first, last] : null;
}

/** The part itself, unless nothing is known of it any more: then there is none. */
export function within(zoom: Zoom | null, [first, last]: Zoom): Zoom | null {
  return zoom === null || zoom[1] <= first || zoom[0] >= last ? null : zoom;
}
