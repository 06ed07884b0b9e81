import { createColors } from "picocolors";
import stringWidth from "string-width";
import { describe, expect, it } from "vitest";
import { type Column, table } from "../../src/cli/table.ts";

interface Row {
  readonly id: string;
  readonly size: number;
}

const COLUMNS: readonly Column<Row>[] = [
  { title: "ID", value: ({ id }) => id },
  { title: "SIZE", value: ({ size }) => size, align: "right", paint: (_, colors) => colors.red },
];
const plain = createColors(false);
const widest = (text: string) => Math.max(...text.split("\n").map((line) => stringWidth(line)));

describe("a table", () => {
  it("takes the room that its cells need", () => {
    const rows = [
      { id: "short", size: 7 },
      { id: "somewhat longer", size: 12_345 },
    ];
    expect(table(COLUMNS, rows, { colors: plain, width: undefined })).toBe(
      ["ID                SIZE", "short                7", "somewhat longer  12345", ""].join("\n"),
    );
  });

  it.each([40, 20, 14])("keeps to a terminal of %d columns, whatever letters there are", (width) => {
    const rows = [{ id: "漢字".repeat(30), size: 1 }];
    const text = table(COLUMNS, rows, { colors: plain, width });
    expect(widest(text)).toBeLessThanOrEqual(width);
    expect(text).toContain("…");
  });

  it("becomes lines where columns would say nothing", () => {
    const rows = [{ id: "an id", size: 123_456_789 }];
    expect(table(COLUMNS, rows, { colors: plain, width: 10 })).toBe("ID: an id\nSIZE: 123456789\n");
  });

  it("paints what it has made harmless", () => {
    const columns: readonly Column<string>[] = [
      { title: "TEXT", value: (text) => text, paint: (_, colors) => colors.red },
    ];
    const text = table(columns, ["\x1b[2J"], { colors: createColors(true), width: undefined });
    expect(text).toContain("\x1b[31m\\x1b[2J\x1b[39m");
  });
});
