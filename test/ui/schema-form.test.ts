import { describe, expect, it } from "vitest";
import { readFields, schemaFields, textsOf } from "../../ui/src/task-form/schema-form.ts";

const SCHEMA = {
  type: "object",
  required: ["to", "count", "user"],
  properties: {
    to: { type: "string", format: "email", maxLength: 80, description: "Who gets it" },
    count: { type: "integer", minimum: 1, maximum: Number.MAX_SAFE_INTEGER, default: 3 },
    share: { type: "number", exclusiveMinimum: 0, exclusiveMaximum: 1 },
    urgent: { type: ["boolean", "null"] },
    language: { enum: ["en", "de", 7] },
    version: { const: 2 },
    tags: { type: "array" },
    user: {
      type: "object",
      required: ["id"],
      properties: { id: { $ref: "#/$defs/a~1b" }, name: { anyOf: [{ type: "string" }, { type: "null" }] } },
    },
  },
  $defs: { "a/b": { type: "integer" } },
};
const fields = schemaFields(SCHEMA) ?? [];
const field = (name: string) => fields.find(({ path }) => path.join(".") === name);

describe("fields of a schema", () => {
  it("are none where there is no object, or nothing is said of what is in it", () => {
    for (const schema of [undefined, null, true, [], {}, { type: "string" }, { properties: {} }]) {
      expect(schemaFields(schema)).toBeNull();
    }
  });

  it("are of the kind of their value, at the way to it", () => {
    expect(fields.map(({ path, kind }) => [path.join("."), kind])).toEqual([
      ["to", "text"],
      ["count", "integer"],
      ["share", "number"],
      ["urgent", "boolean"],
      ["language", "choice"],
      ["version", "choice"],
      ["tags", "json"],
      ["user.id", "integer"],
      ["user.name", "text"],
    ]);
    expect(field("language")?.choices).toEqual(['"en"', '"de"', "7"]);
    expect(field("version")?.choices).toEqual(["2"]);
  });

  it("are needed where the schema says so, and nothing stands for them", () => {
    expect(fields.filter(({ isRequired }) => isRequired).map(({ path }) => path.join("."))).toEqual([
      "to",
      "user.id",
    ]);
    expect(field("count")?.otherwise).toBe("3");
  });

  it("are not needed in an object that is not", () => {
    const schema = { properties: { a: { required: ["b"], properties: { b: { type: "string" } } } } };
    expect(schemaFields(schema)).toMatchObject([{ path: ["a", "b"], isRequired: false }]);
  });

  it("say what they are for, and no bound that means nothing", () => {
    expect(field("to")?.hint).toBe("Who gets it, email, at most 80 characters");
    expect(field("count")?.hint).toBe("from 1");
    expect(field("share")?.hint).toBe("over 0, under 1");
    expect(field("tags")?.hint).toBe("a list, as JSON");
  });

  it("end where a schema goes on and on", () => {
    const node = { properties: { a: { $ref: "#/$defs/node" } } };
    const loop = { ...node, $defs: { node } };
    expect(schemaFields(loop)).toMatchObject([{ path: ["a", "a", "a", "a"], kind: "json" }]);
    const knot = { properties: { a: { $ref: "#/$defs/b" } }, $defs: { b: { $ref: "#/$defs/b" } } };
    expect(schemaFields(knot)).toMatchObject([{ path: ["a"], kind: "json" }]);
    expect(schemaFields({ properties: { a: { $ref: "https://example.com/" } } })).toMatchObject([
      { kind: "json" },
    ]);
  });
});

describe("what stands in fields", () => {
  const value = { to: "a@b", count: 3, language: "de", tags: [1], user: { id: 4, name: "x" } };
  const texts = {
    to: "a@b",
    count: "3",
    language: '"de"',
    tags: "[1]",
    "user.id": "4",
    "user.name": "x",
  };

  it("is what the value has, and the value again", () => {
    expect(textsOf(fields, value)).toEqual(texts);
    expect(readFields(fields, texts, {})).toEqual({ value, problems: {} });
  });

  it("leaves what has no field, and takes out what was emptied", () => {
    const before = { other: 1, to: "x", user: { name: "y", age: 7 } };
    const read = readFields(fields, { to: "a@b" }, before);
    expect(read.value).toEqual({ other: 1, to: "a@b", user: { age: 7 } });
    expect(before.user).toEqual({ name: "y", age: 7 });
    expect(readFields(fields, {}, { user: { name: "y" } }).value).toEqual({});
    expect(readFields(fields, { to: "a" }, [1]).value).toEqual({ to: "a" });
  });

  it.each([
    ["count", "2.5", "A whole number."],
    ["count", "x", "This is no number."],
    ["share", " ", "This is no number."],
    ["share", "Infinity", "This is no number."],
    ["tags", "[", "This is not JSON."],
  ])("is told what is wrong: %s %j", (name, text, problem) => {
    const read = readFields(fields, { ...texts, [name]: text }, value);
    expect(read.problems).toEqual({ [name]: problem });
    expect(read.value).not.toHaveProperty(name);
  });

  it("is told what is missing", () => {
    expect(readFields(fields, {}, {}).problems).toEqual({
      to: "This is needed.",
      "user.id": "This is needed.",
    });
  });

  it("sets no prototype, whatever a field is called", () => {
    const schema = JSON.parse('{"properties":{"__proto__":{"properties":{"admin":{"type":"boolean"}}}}}');
    const [only] = schemaFields(schema) ?? [];
    expect(only?.path).toEqual(["__proto__", "admin"]);
    const { value: made } = readFields(only ? [only] : [], { "__proto__.admin": "true" }, {});
    expect(JSON.stringify(made)).toBe('{"__proto__":{"admin":true}}');
    expect(Object.getPrototypeOf(made)).toBe(Object.prototype);
    expect({}).not.toHaveProperty("admin");
  });
});
