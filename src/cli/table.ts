import Table from "cli-table3";
import stringWidth from "string-width";
import { safe } from "./safe-text.ts";
import type { Colors } from "./terminal.ts";

/** One column of a list: how it is called, and what it says of each item. */
export interface Column<T> {
  readonly title: string;
  readonly value: (item: T) => string | number | undefined;
  readonly align?: "right";
  /** Its colour, decided by the item. Applied after the text was made harmless. */
  readonly paint?: (item: T, colors: Colors) => (text: string) => string;
}

interface Look {
  readonly colors: Colors;
  /** Columns of the terminal; `undefined`: lines may be of any length. */
  readonly width: number | undefined;
}

/** What separates two columns. */
const GAP = "  ";
/** Below this a column says nothing any more. */
const NARROWEST = 6;

/** A list for people. Where a terminal is too narrow for its columns they are cut; far too narrow, they become lines. */
export function table<T>(
  columns: readonly Column<T>[],
  items: readonly T[],
  { colors, width }: Look,
): string {
  const cells = items.map((item) => columns.map((column) => safe(String(column.value(item) ?? "-"))));
  const natural = columns.map(({ title }, at) =>
    Math.max(stringWidth(title), ...cells.map((row) => stringWidth(row[at] ?? ""))),
  );
  const widths = fitted(natural, width);
  if (widths === undefined) return blocks(columns, cells, colors);
  const drawn = new Table({
    chars: NO_LINES,
    style: { "padding-left": 0, "padding-right": 0, head: [], border: [] },
    colWidths: widths,
    colAligns: columns.map(({ align }) => align ?? "left"),
  });
  drawn.push(columns.map(({ title }) => colors.bold(title)));
  for (const [at, row] of cells.entries()) {
    const item = items[at] as T;
    drawn.push(row.map((text, column) => (columns[column]?.paint?.(item, colors) ?? String)(text)));
  }
  return `${drawn.toString().replace(/[ \t]+$/gm, "")}\n`;
}

export type Fact = readonly [name: string, value: string | number | undefined];

/** Names and values, one a line. */
export function facts(rows: readonly Fact[], colors: Colors): string {
  const shown = rows.map(([name, value]) => [safe(name), value] as const);
  const width = Math.max(...shown.map(([name]) => stringWidth(name)));
  return shown
    .map(([name, value]) => `${colors.dim(name.padEnd(width))}${GAP}${safe(String(value ?? "-"))}\n`)
    .join("");
}

const NO_LINES = {
  top: "",
  "top-mid": "",
  "top-left": "",
  "top-right": "",
  bottom: "",
  "bottom-mid": "",
  "bottom-left": "",
  "bottom-right": "",
  left: "",
  "left-mid": "",
  mid: "",
  "mid-mid": "",
  right: "",
  "right-mid": "",
  middle: GAP,
};

/** Takes from the widest column until all fit. `undefined`: they never do. */
function fitted(natural: readonly number[], width: number | undefined): number[] | undefined {
  const widths = [...natural];
  if (width === undefined) return widths;
  const gaps = GAP.length * (widths.length - 1);
  for (let over = widths.reduce((sum, each) => sum + each, gaps) - width; over > 0; over -= 1) {
    const widest = widths.indexOf(Math.max(...widths));
    if ((widths[widest] as number) <= NARROWEST) return undefined;
    widths[widest] = (widths[widest] as number) - 1;
  }
  return widths;
}

function blocks<T>(
  columns: readonly Column<T>[],
  cells: readonly (readonly string[])[],
  colors: Colors,
): string {
  return cells
    .map((row) => row.map((text, at) => `${colors.dim(`${columns[at]?.title}:`)} ${text}\n`).join(""))
    .join("\n");
}
