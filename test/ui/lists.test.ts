import { expect, it } from "vitest";
import { calmRows } from "../../ui/src/components/calm-rows.ts";
import { fittingColumns } from "../../ui/src/components/fitting-columns.ts";
import { toggled } from "../../ui/src/components/selection.ts";
import { byNumber, byText, readSort, stableOrder, writeSort } from "../../ui/src/components/stable-order.ts";

interface Row {
  readonly id: string;
  readonly size: number | null;
}

const row = (id: string, size: number | null = 0): Row => ({ id, size });
const idOf = ({ id }: Row) => id;
const ids = (rows: readonly Row[]) => rows.map(idOf).join("");

it("sorts, and leaves rows where they are while they are held", () => {
  const bySize = byNumber<Row>(({ size }) => size);
  const rows = [row("a", 3), row("b", 1), row("c", 2)];
  expect(ids(stableOrder(rows, idOf, bySize, undefined, false))).toBe("bca");
  expect(ids(stableOrder(rows, idOf, bySize, ["a", "b", "c"], true))).toBe("abc");
  expect(ids(stableOrder([row("d", 0), ...rows], idOf, bySize, ["a", "b", "c"], true))).toBe("abcd");
  expect(ids(stableOrder(rows, idOf, bySize, ["a", "b", "c"], false))).toBe("bca");
  expect(ids(stableOrder(rows, idOf, undefined, ["c"], true))).toBe("abc");
});

it("compares numbers within names by their size, and what is not known as the least", () => {
  expect(ids(["q10", "q9", "Q1"].map((id) => row(id)).toSorted(byText(idOf)))).toBe("Q1q9q10");
  expect(ids([row("a", null), row("b", -1)].toSorted(byNumber(({ size }) => size)))).toBe("ab");
});

it("reads an order out of an address, and takes none that there is not", () => {
  const otherwise = { column: "queue", descending: false };
  expect(readSort("-pending", ["queue", "pending"], otherwise)).toEqual({
    column: "pending",
    descending: true,
  });
  expect(readSort("-nothing", ["queue", "pending"], otherwise)).toBe(otherwise);
  expect(readSort(null, ["queue"], otherwise)).toBe(otherwise);
  expect(writeSort({ column: "pending", descending: true })).toBe("-pending");
});

it("chooses one row, and all from the last one to this", () => {
  const rows = ["a", "b", "c", "d"];
  const one = toggled({ keys: new Set(), last: null }, "b");
  expect([...one.keys]).toEqual(["b"]);
  const range = toggled(one, "d", rows);
  expect([...range.keys]).toEqual(["b", "c", "d"]);
  expect([...toggled(range, "c").keys]).toEqual(["b", "d"]);
  expect([...toggled({ keys: new Set(), last: "gone" }, "a", rows).keys]).toEqual(["a"]);
});

it("keeps rows in their places while others come and go", () => {
  const calm = calmRows([row("a"), row("b"), row("c")], [row("d"), row("c", 5), row("a")], idOf);
  expect(ids(calm.rows)).toBe("abc");
  expect(calm.rows[2]).toEqual(row("c", 5));
  expect([...calm.gone]).toEqual(["b"]);
  expect(calm.waiting).toBe(1);
});

it("leaves out the columns that ask for most room, the last ones first, until the others fit", () => {
  const columns = [
    { id: "name", width: "minmax(100px, 1fr)" },
    { id: "a", width: "50px", from: 300 },
    { id: "b", width: "50px", from: 400 },
    { id: "c", width: "50px", from: 300 },
  ];
  const shown = (width: number) => fittingColumns(columns, width).map(({ id }) => id);
  expect(shown(1_000)).toEqual(["name", "a", "b", "c"]);
  expect(shown(399)).toEqual(["name", "a", "c"]);
  expect(shown(299)).toEqual(["name"]);
  expect(fittingColumns(columns, 300, 100).map(({ id }) => id)).toEqual(["name", "a"]);
  expect(fittingColumns([{ width: "500px" }], 300)).toHaveLength(1);
});
