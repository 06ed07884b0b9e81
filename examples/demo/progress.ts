import { stdout } from "node:process";

/** One line that is rewritten on a terminal, and printed once a second elsewhere. */
export function showProgress(line: () => string): () => void {
  const paint = () => stdout.write(stdout.isTTY ? `\r\x1b[2K${line()}` : `${line()}\n`);
  const timer = setInterval(paint, stdout.isTTY ? 100 : 1_000);
  return () => {
    clearInterval(timer);
    paint();
    if (stdout.isTTY) stdout.write("\n");
  };
}

/** A table of right-aligned columns. */
export function printTable(rows: readonly (readonly (string | number)[])[]): void {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => String(row[i]).length)));
  for (const row of rows) {
    const cells = row.map((cell, i) =>
      i === 0 ? String(cell).padEnd(widths[i] as number) : String(cell).padStart(widths[i] as number),
    );
    stdout.write(`  ${cells.join("  ")}\n`);
  }
}
