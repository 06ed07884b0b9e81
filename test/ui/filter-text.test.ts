import { expect, it } from "vitest";
import { parseFilter } from "../../src/inspector/filter.ts";
import {
  fieldOf,
  filterWords,
  joined,
  quotedValue,
  withField,
  wordAt,
} from "../../ui/src/filter/filter-text.ts";
import { payloadPaths, suggestionsFor } from "../../ui/src/filter/suggestions.ts";

const known = {
  queues: ["critical", "default"],
  types: ["email:welcome", "email:digest", "image:resize"],
  paths: ["user.id", "user.plan", "to"],
};
const texts = (typed: string) => suggestionsFor(typed, known).map(({ text }) => text);

it("takes a filter apart as the monitor reads it", () => {
  const filter = '  type:email:*  -payload.user.name:~"a \\"b\\" c" error:~time since:1h';
  const words = filterWords(filter);
  expect(words.map(({ text }) => text)).toEqual([
    "type:email:*",
    '-payload.user.name:~"a \\"b\\" c"',
    "error:~time",
    "since:1h",
  ]);
  const meant = parseFilter(filter).terms.map(({ field, path = [], value, contains, negated }) => ({
    field: [field, ...path].join("."),
    value,
    contains: contains ?? false,
    negated: negated ?? false,
  }));
  expect(words.map(({ field, value, contains, negated }) => ({ field, value, contains, negated }))).toEqual(
    meant,
  );
});

it("takes apart what is not finished, too", () => {
  expect(filterWords("timeout state: -").map(({ field, value }) => [field, value])).toEqual([
    [null, "timeout"],
    ["state", ""],
    [null, ""],
  ]);
  expect(filterWords('error:~"no end of').map(({ value }) => value)).toEqual(["no end of"]);
  expect(filterWords("   ")).toEqual([]);
});

it("writes values so that the monitor reads the same", () => {
  for (const value of ["low", "a b", 'say "no"', "back\\slash", "~", "über", "<b>", "-x", "a:b"]) {
    const [term] = parseFilter(`queue:${quotedValue(value)}`).terms;
    expect(term).toEqual({ field: "queue", value });
    expect(filterWords(`queue:${quotedValue(value)}`)[0]?.value).toBe(value);
  }
});

it("sets and finds one condition of a field", () => {
  expect(withField("type:a state:retry", "state", "archived")).toBe("type:a state:archived");
  expect(withField("type:a state:retry", "state", null)).toBe("type:a");
  expect(fieldOf("type:a state:retry", "state")).toBe("retry");
  expect(fieldOf("-state:retry", "state")).toBeNull();
  expect(fieldOf("state:retry state:active", "state")).toBeNull();
});

it("finds the word that a position is in", () => {
  const words = filterWords("type:a  stat:retry id:1");
  expect(wordAt(words, 0)).toBe(0);
  expect(wordAt(words, 8)).toBe(1);
  expect(wordAt(words, 500)).toBe(2);
  expect(joined(words)).toBe("type:a stat:retry id:1");
});

it("suggests fields, then their values", () => {
  expect(texts("sta")[0]).toBe("state:");
  expect(texts("state:re")).toEqual(["state:retry"]);
  expect(texts("-queue:def")).toEqual(["-queue:default"]);
  expect(texts("type:em")).toEqual(["type:email:*", "type:email:welcome", "type:email:digest"]);
  expect(texts("payload.user")).toEqual(["payload.user.id:", "payload.user.plan:"]);
  expect(texts("since:")).toContain("since:1h");
});

it("turns a word alone into conditions", () => {
  expect(texts("welcome")).toEqual([
    "type:email:welcome",
    "error:~welcome",
    "payload:~welcome",
    "id:welcome",
  ]);
  for (const text of texts("welcome")) expect(() => parseFilter(text)).not.toThrow();
});

it("learns ways into payloads from what a table shows of them", () => {
  expect(payloadPaths(['{"to":"a","user":{"id":1,"tags":["x"]}}', '{"cut', null, "[1]"])).toEqual([
    "to",
    "user.id",
    "user.tags",
  ]);
});
