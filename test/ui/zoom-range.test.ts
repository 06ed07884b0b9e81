import { expect, it } from "vitest";
import { readZoom, within } from "../../ui/src/components/zoom-range.ts";

it("is what the address says, if that is a part of time", () => {
  expect(readZoom("5", "9")).toEqual([5, 9]);
  expect(readZoom("5", null)).toBeNull();
  expect(readZoom("9", "5")).toBeNull();
  expect(readZoom("x", "5")).toBeNull();
  expect(readZoom("", "")).toBeNull();
});

it("is no more once nothing of it is known", () => {
  expect(within([5, 9], [0, 20])).toEqual([5, 9]);
  expect(within([5, 9], [8, 20])).toEqual([5, 9]);
  expect(within([5, 9], [9, 20])).toBeNull();
  expect(within([5, 9], [0, 5])).toBeNull();
  expect(within(null, [0, 5])).toBeNull();
});
