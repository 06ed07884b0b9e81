/** A JSON schema as a form: one field for each value that can be written in one. */

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type JsonObject = { [key: string]: Json };

export interface SchemaField {
  /** As in `user.emails`: the names on the way to it. */
  readonly path: readonly string[];
  /** `json`: whatever has no field of its own, as lists have none. */
  readonly kind: "text" | "number" | "integer" | "boolean" | "choice" | "json";
  readonly isRequired: boolean;
  /** Of `choice`: each as JSON, which tells `1` from `"1"`. */
  readonly choices: readonly string[];
  /** What it is for, and in which form. */
  readonly hint: string;
  /** What stands for nothing, as JSON. */
  readonly otherwise: string | null;
}

/** Objects within objects have fields down to here; below they are JSON. */
const DEEPEST = 3;

/** The fields of an object's schema; `null`: it is none, or says nothing of what is in it. */
export function schemaFields(schema: unknown): readonly SchemaField[] | null {
  if (!isObject(schema)) return null;
  const fields = fieldsWithin(resolved(schema, schema), schema, [], true);
  return fields === null || fields.length === 0 ? null : fields;
}

function fieldsWithin(
  schema: JsonObject,
  root: JsonObject,
  path: readonly string[],
  isRequired: boolean,
): readonly SchemaField[] | null {
  const { properties, required } = schema;
  if (!isObject(properties) || path.length > DEEPEST) return null;
  const names = Array.isArray(required) ? required : [];
  return Object.entries(properties).flatMap(([name, given]) => {
    const property = isObject(given) ? resolved(given, root) : {};
    const own = [...path, name];
    const isOwn = isRequired && names.includes(name);
    return fieldsWithin(property, root, own, isOwn) ?? [fieldOf(property, own, isOwn)];
  });
}

/** What a schema comes to: references within the document are followed, and what may be `null` is what else it may be. */
function resolved(schema: JsonObject, root: JsonObject, steps = 0): JsonObject {
  const { $ref, anyOf, oneOf } = schema;
  if (steps > 8) return {};
  if (typeof $ref === "string") {
    const target = $ref.startsWith("#/") ? at(root, $ref.slice(2).split("/").map(unescaped)) : undefined;
    return isObject(target) ? resolved(target, root, steps + 1) : {};
  }
  const options = [anyOf, oneOf].find(Array.isArray)?.filter(isObject);
  const [only, ...others] = options?.filter(({ type }) => type !== "null") ?? [];
  return only !== undefined && others.length === 0
    ? { ...schema, ...resolved(only, root, steps + 1) }
    : schema;
}

function unescaped(part: string): string {
  return part.replaceAll("~1", "/").replaceAll("~0", "~");
}

function fieldOf(schema: JsonObject, path: readonly string[], isRequired: boolean): SchemaField {
  const choices = choicesOf(schema);
  const otherwise = schema["default"] === undefined ? null : JSON.stringify(schema["default"]);
  return {
    path,
    kind: choices.length > 0 ? "choice" : kindOf(schema),
    // What has a value of its own may be left out, whatever the schema of what comes out says.
    isRequired: isRequired && otherwise === null,
    choices,
    hint: hintOf(schema),
    otherwise,
  };
}

function choicesOf(schema: JsonObject): readonly string[] {
  if (Array.isArray(schema["enum"])) return schema["enum"].map((each) => JSON.stringify(each));
  return schema["const"] === undefined ? [] : [JSON.stringify(schema["const"])];
}

function kindOf({ type }: JsonObject): SchemaField["kind"] {
  const types = (Array.isArray(type) ? type : [type]).filter((each) => each !== "null");
  const [only] = types;
  if (types.length !== 1) return "json";
  if (only === "string") return "text";
  return only === "number" || only === "integer" || only === "boolean" ? only : "json";
}

/** The largest whole number that is exact: a bound that says nothing. */
const EXACT = Number.MAX_SAFE_INTEGER;

function hintOf(schema: JsonObject): string {
  const { description, format, minimum, maximum, exclusiveMinimum, exclusiveMaximum, maxLength, type } =
    schema;
  const bound = (word: string, value: Json | undefined) =>
    typeof value === "number" && Math.abs(value) < EXACT ? `${word} ${value}` : null;
  const says = [
    typeof description === "string" ? description : null,
    typeof format === "string" ? format : null,
    type === "array" ? "a list, as JSON" : type === "object" ? "an object, as JSON" : null,
    bound("from", minimum),
    bound("over", exclusiveMinimum),
    bound("to", maximum),
    bound("under", exclusiveMaximum),
    typeof maxLength === "number" ? `at most ${maxLength} characters` : null,
  ];
  return says.filter((each) => each !== null).join(", ");
}

/** The name of a field, and of its text: as the monitor writes where something is wrong. */
export function fieldKey(path: readonly string[]): string {
  return path.join(".");
}

/** What stands in the fields for a value. */
export function textsOf(fields: readonly SchemaField[], value: Json): Readonly<Record<string, string>> {
  return Object.fromEntries(
    fields.flatMap(({ path, kind }) => {
      const found = at(value, path);
      if (found === undefined) return [];
      const text = kind === "text" && typeof found === "string" ? found : JSON.stringify(found);
      return [[fieldKey(path), text]];
    }),
  );
}

export interface FormValue {
  /** As far as the fields can be understood. */
  readonly value: JsonObject;
  /** What is wrong, by field. */
  readonly problems: Readonly<Record<string, string>>;
}

/** What the fields say, over what there was: what has no field stays. Empty fields are left out. */
export function readFields(
  fields: readonly SchemaField[],
  texts: Readonly<Record<string, string>>,
  before: Json,
): FormValue {
  const value: JsonObject = isObject(before) ? structuredClone(before) : {};
  const problems: Record<string, string> = {};
  for (const field of fields) {
    const key = fieldKey(field.path);
    const text = texts[key] ?? "";
    if (text === "") {
      if (field.isRequired) problems[key] = "This is needed.";
      remove(value, field.path);
      continue;
    }
    const read = readText(field, text);
    if ("problem" in read) {
      problems[key] = read.problem;
      remove(value, field.path);
    } else put(value, field.path, read.value);
  }
  return { value, problems };
}

function readText(
  { kind }: SchemaField,
  text: string,
): { readonly value: Json } | { readonly problem: string } {
  if (kind === "text") return { value: text };
  if (kind === "number" || kind === "integer") {
    const number = Number(text);
    if (text.trim() === "" || !Number.isFinite(number)) return { problem: "This is no number." };
    if (kind === "integer" && !Number.isInteger(number)) return { problem: "A whole number." };
    return { value: number };
  }
  const value = parsed(text);
  return value === undefined ? { problem: "This is not JSON." } : { value };
}

/** The JSON of a text; `undefined`: it is none. */
export function parsed(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function at(value: Json | undefined, path: readonly string[]): Json | undefined {
  return path.reduce<Json | undefined>(
    (within, name) => (isObject(within) && Object.hasOwn(within, name) ? within[name] : undefined),
    value,
  );
}

/** Own properties alone: `__proto__` is a name like any other. */
function own(object: JsonObject, name: string, value: Json): void {
  Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true });
}

function put(object: JsonObject, path: readonly string[], value: Json): void {
  const [name = "", ...rest] = path;
  if (rest.length === 0) {
    own(object, name, value);
    return;
  }
  const within = Object.hasOwn(object, name) ? object[name] : undefined;
  const inner = isObject(within) ? within : {};
  own(object, name, inner);
  put(inner, rest, value);
}

/** Takes it out, and the objects around it that are empty then. */
function remove(object: JsonObject, path: readonly string[]): void {
  const [name = "", ...rest] = path;
  if (!Object.hasOwn(object, name)) return;
  if (rest.length === 0) {
    delete object[name];
    return;
  }
  const inner = object[name];
  if (!isObject(inner)) return;
  remove(inner, rest);
  if (Object.keys(inner).length === 0) delete object[name];
}
