import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { bindingsFile, generate, parseScript, readScripts } from "../../scripts/gen-lua.ts";

const parse = (text: string, shared: (name: string) => string = () => "") =>
  parseScript("move", text, shared);

const header = `-- move: move an id.
-- Prose, with a (colon): here.
--
-- KEYS    from        list    where it is
--         targets...  list    where it may go
-- ARGV    now         int     Unix seconds
--         ids...      any     what to move
-- RETURNS int         how many
`;

describe("gen-lua", () => {
  it("has written the bindings of the scripts as they are now", () => {
    expect(readFileSync(bindingsFile, "utf8")).toBe(generate());
  });

  it("reads every script: header and body agree", () => {
    expect(readScripts().length).toBeGreaterThan(0);
  });

  it("reads names, types and what is variadic", () => {
    const script = parse(`${header}local from = KEYS[1]\nlocal now = ARGV[1]\nreturn #KEYS + #ARGV\n`);
    expect(script.summary).toBe("move an id.");
    expect(script.keys.map(({ name, variadic }) => [name, variadic])).toEqual([
      ["from", false],
      ["targets", true],
    ]);
    expect(script.args.map(({ name, type }) => [name, type])).toEqual([
      ["now", "int"],
      ["ids", "any"],
    ]);
  });

  it("ships the body without comments, blank lines and indentation, and leaves texts alone", () => {
    const script = parse(
      `-- move: move.\n-- RETURNS text\n\nif true then -- why\n  return "a -- b" .. '-- "c' -- end\nend\n`,
    );
    expect(script.source).toBe(`if true then\nreturn "a -- b" .. '-- "c'\nend`);
  });

  it("puts shared text where it is included", () => {
    const script = parse(
      "-- move: move.\n-- RETURNS int\n-- not header\n\n-- include: one\nreturn one()\n",
      (name) => (name === "one" ? "local function one() return 1 end\n" : ""),
    );
    expect(script.source).toBe("local function one() return 1 end\nreturn one()");
  });

  it.each([
    ["another name", "-- mvoe: move.\n-- RETURNS int\nreturn 1", /calls itself mvoe/],
    ["no answer", "-- move: move.\nreturn 1", /RETURNS/],
    ["a key that is not named", `${header}local now = ARGV[1]\nreturn #KEYS + #ARGV`, /KEYS are \[from\]/],
    [
      "another order",
      `-- move: m.\n-- KEYS    a  set\n--         b  set\n-- RETURNS int\nlocal b, a = KEYS[1], KEYS[2]`,
      /KEYS/,
    ],
    [
      "an entry named twice",
      `-- move: m.\n-- KEYS    a  set\n-- RETURNS int\nlocal a = KEYS[1]\nlocal b = KEYS[1]`,
      /KEYS/,
    ],
    [
      "an entry used bare",
      `-- move: m.\n-- KEYS    a  set\n-- RETURNS int\nlocal a = KEYS[1]\nreturn KEYS[1]`,
      /without a name/,
    ],
    ["a rest that nobody declared", "-- move: m.\n-- RETURNS int\nreturn #ARGV", /variadic/],
    [
      "an unknown type",
      "-- move: m.\n-- ARGV    a  float\n-- RETURNS int\nlocal a = ARGV[1]",
      /unknown type float/,
    ],
  ])("refuses %s", (_, text, problem) => {
    expect(() => parse(text)).toThrow(problem);
  });
});
