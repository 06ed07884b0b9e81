interface Fitted {
  /** A track of the grid: `80px`, `minmax(160px, 2fr)`. */
  readonly width: string;
  readonly from?: number;
}

const GAP = 12;
const EDGES = 16;

/** The columns that a table of some width has room for: those that ask for the most width go first. */
export function fittingColumns<C extends Fitted>(
  columns: readonly C[],
  width: number,
  taken = 0,
): readonly C[] {
  let shown = columns.filter(({ from = 0 }) => width >= from);
  while (neededBy(shown, taken) > width) {
    const most = Math.max(...shown.map(({ from = 0 }) => from));
    const last = shown.findLastIndex(({ from = 0 }) => from === most);
    if (most === 0) break;
    shown = shown.filter((_, at) => at !== last);
  }
  return shown;
}

function neededBy(columns: readonly Fitted[], taken: number): number {
  const widths = columns.reduce((all, { width }) => all + least(width), 0);
  return widths + GAP * Math.max(0, columns.length - 1) + EDGES + taken;
}

/** The least that a track takes, in pixels. */
function least(track: string): number {
  return Number(/(\d+(?:\.\d+)?)px/.exec(track)?.[1] ?? 0);
}
