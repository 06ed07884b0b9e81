import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { differences } from "../../src/testing/differences.ts";

describe("differences", () => {
  it.each([
    ["equal values", 1, 1],
    ["NaN", Number.NaN, Number.NaN],
    ["a part of an object", { a: 1 }, { a: 1, b: 2 }],
    ["a part within a part", { a: { b: [{ c: 1 }] } }, { a: { b: [{ c: 1, d: 2 }] } }],
    ["any object", {}, { a: 1 }],
    ["an absent member for undefined", { a: undefined }, {}],
    ["a Date and its text", { at: new Date(0) }, { at: "1970-01-01T00:00:00.000Z" }],
    ["two Dates", new Date(5), new Date(5)],
    ["a Buffer and other bytes", Buffer.from("ab"), new Uint8Array([97, 98])],
    ["objects of another realm", { a: [1] }, runInNewContext("({ a: [1], b: 2 })")],
    ["objects without prototype", { a: 1 }, Object.assign(Object.create(null), { a: 1 })],
    ["big integers", { n: 2n }, { n: 2n }],
    ["what has its own JSON form", { url: new URL("http://a.test/") }, { url: "http://a.test/" }],
  ])("finds none: %s", (_, expected, actual) => {
    expect(differences(expected, actual)).toEqual([]);
  });

  it.each([
    ["another value", { a: 1 }, { a: 2 }, ["payload.a: expected 1, got 2"]],
    ["another type", { a: 1 }, { a: "1" }, ["payload.a: expected 1, got '1'"]],
    ["a missing member", { a: 1 }, {}, ["payload.a: expected 1, got undefined"]],
    ["an inherited member", { toString: 1 }, {}, ["payload.toString: expected 1, got undefined"]],
    ["a member too many", { a: undefined }, { a: 1 }, ["payload.a: expected undefined, got 1"]],
    ["no object at all", { a: 1 }, "text", ["payload: expected { a: 1 }, got 'text'"]],
    ["null", { a: {} }, { a: null }, ["payload.a: expected {}, got null"]],
    ["a list that is longer", [1], [1, 2], ["payload: expected 1 items, got 2: [ 1, 2 ]"]],
    ["a list for an object", {}, [], ["payload: expected {}, got []"]],
    [
      "an item",
      { l: [1, { "x-y": 2 }] },
      { l: [1, { "x-y": 3 }] },
      ['payload.l[1]["x-y"]: expected 2, got 3'],
    ],
    [
      "each of several",
      { a: 1, b: 2 },
      { a: 2, b: 3 },
      ["payload.a: expected 1, got 2", "payload.b: expected 2, got 3"],
    ],
    ["another Date", new Date(0), new Date(1), [expect.stringMatching(/expected 1970.*, got 1970/)]],
    ["other bytes", Buffer.from("a"), Buffer.from("b"), [expect.stringMatching(/expected <Buffer 61>/)]],
    ["a Map, which JSON makes nothing of", new Map([[1, 2]]), {}, [expect.stringMatching(/expected Map/)]],
  ])("names %s", (_, expected, actual, lines) => {
    expect(differences(expected, actual)).toEqual(lines);
  });
});
