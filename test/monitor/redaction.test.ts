import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DEFAULT_REDACTED_KEYS, REDACTED, Redaction } from "../../src/monitor/redaction.ts";

const redaction = new Redaction(DEFAULT_REDACTED_KEYS);

describe("redaction", () => {
  it.each([
    ['{"password":"x","to":1}', '{"password":"[redacted]","to":1}'],
    [
      '{ "a" : { "apiKey" : 12 } , "b" : [ { "TOKEN" : null } ] }',
      '{ "a" : { "apiKey" : "[redacted]" } , "b" : [ { "TOKEN" : "[redacted]" } ] }',
    ],
    [
      '{"session":{"id":[1,{"x":"}"}]},"n":12345678901234567890}',
      '{"session":"[redacted]","n":12345678901234567890}',
    ],
    // Parsed, the first of two is gone, and shown all the same.
    ['{"x":{"password":"y"},"x":1}', '{"x":{"password":"[redacted]"},"x":1}'],
    ['{"pass\\u0077ord":"x"}', '{"pass\\u0077ord":"[redacted]"}'],
    ['{"body":"{\\"password\\":\\"x\\"}"}', '{"body":"{\\"password\\":\\"[redacted]\\"}"}'],
    ['"{\\"token\\":1}"', '"{\\"token\\":\\"[redacted]\\"}"'],
    ['{"a":"\\"\\\\","secret":true}', '{"a":"\\"\\\\","secret":"[redacted]"}'],
    ['["password","x"]', '["password","x"]'],
    ["1", "1"],
  ])("of %s", (json, wanted) => {
    expect(redaction.redactJson(json)?.text).toBe(wanted);
  });

  it("shows nothing of what is too large, or lies too deep in strings", () => {
    expect(redaction.redactJson(JSON.stringify("x".repeat(262_144)))).toBeUndefined();
    let json = '{"password":"x"}';
    for (let layer = 0; layer < 6; layer += 1) json = JSON.stringify(json);
    expect(redaction.redactJson(json)).toBeUndefined();
  });

  it("takes no long time over lists in lists", () => {
    const json = `{"token":${"[".repeat(100_000)}${"]".repeat(100_000)}}`;
    expect(redaction.redactJson(json)?.text).toBe('{"token":"[redacted]"}');
  });

  it("leaves JSON that parses to the same, but for secrets", () => {
    const hide = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(hide);
      if (typeof value !== "object" || value === null) return value;
      const entries = Object.entries(value).map(([key, each]): [string, unknown] => [
        key,
        redaction.isSecret(key) ? REDACTED : hide(each),
      ]);
      return Object.fromEntries(entries);
    };
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { depthSize: "small" },
        fc.integer(),
        fc.constantFrom("a", '"', "\\", "}"),
        tie("list"),
        tie("object"),
      ),
      list: fc.array(tie("tree"), { maxLength: 4 }),
      object: fc.dictionary(fc.constantFrom("password", "to", 'a"b', "x_token", "n"), tie("tree"), {
        maxKeys: 4,
      }),
    }));
    fc.assert(
      fc.property(tree, fc.constantFrom(undefined, 1), (value, indent) => {
        const shown = redaction.redactJson(JSON.stringify(value, undefined, indent));
        expect(JSON.parse(shown?.text ?? "")).toEqual(JSON.parse(JSON.stringify(hide(value))));
      }),
      { numRuns: 500 },
    );
  });

  it("hides values of headers in the options of an entry, also where their names cannot be read", () => {
    const hidden = [
      ['Header(["Cookie","a=\\"b"])', 'Header(["Cookie","[redacted]"])'],
      ['Header(["c\\u006fokie","a"])', 'Header(["c\\u006fokie","[redacted]"])'],
      ["Header(a, b)", 'Header(["","[redacted]"])'],
    ] as const;
    for (const [option, shown] of hidden) expect(redaction.redactOption(option)).toBe(shown);
    for (const option of ['Header(["trace","cookie"])', 'Queue("cookie")', 'TaskID("Header(")']) {
      expect(redaction.redactOption(option)).toBe(option);
    }
  });
});
