/** The part of JSON Schema that `api.ts` is written in. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly enum?: readonly (string | number | boolean | null)[];
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxItems?: number;
  readonly default?: unknown;
  readonly description?: string;
}

/** What a route takes and answers; `null`: nothing. */
export interface RouteSchemas {
  readonly summary: string;
  readonly query: Schema | null;
  readonly body: Schema | null;
  readonly answer: Schema | null;
}

/** What is wrong with a value. Holds nothing of the value itself. */
export interface Complaint {
  /** As `tasks[3].id`; empty for the value itself. */
  readonly where: string;
  readonly problem: string;
}

type Schemas = Readonly<Record<string, Schema>>;

/** The first thing about `value` that `schema` does not admit; `undefined`: it fits. */
export function complaintOf(
  value: unknown,
  schema: Schema,
  schemas: Schemas,
  where = "",
): Complaint | undefined {
  const resolved = resolveSchema(schema, schemas);
  const complain = (problem: string): Complaint => ({ where, problem });
  if (resolved.anyOf !== undefined) {
    const complaints = resolved.anyOf.map((each) => complaintOf(value, each, schemas, where));
    if (complaints.includes(undefined)) return undefined;
    // The deepest one is about the alternative that was meant.
    return complaints.reduce((a, b) => ((b?.where.length ?? 0) > (a?.where.length ?? 0) ? b : a));
  }
  if (resolved.enum !== undefined) {
    const fits = resolved.enum.some((each) => each === value);
    return fits ? undefined : complain(`expected one of ${resolved.enum.join(", ")}`);
  }
  switch (resolved.type) {
    case undefined:
      return undefined;
    case "null":
      return value === null ? undefined : complain("expected null");
    case "number":
      return numberComplaint(value, resolved, complain);
    case "array":
      return arrayComplaint(value, resolved, schemas, where);
    case "object":
      return objectComplaint(value, resolved, schemas, where);
    default:
      return typeof value === resolved.type ? undefined : complain(`expected a ${resolved.type}`);
  }
}

/** The schema itself, where another one is named. */
export function resolveSchema(schema: Schema, schemas: Schemas): Schema {
  if (schema.$ref === undefined) return schema;
  const name = schema.$ref.slice(schema.$ref.lastIndexOf("/") + 1);
  const named = Object.hasOwn(schemas, name) ? schemas[name] : undefined;
  if (named === undefined) throw new TypeError(`there is no schema ${name}`);
  return resolveSchema(named, schemas);
}

function numberComplaint(
  value: unknown,
  { minimum, maximum }: Schema,
  complain: (problem: string) => Complaint,
): Complaint | undefined {
  if (typeof value !== "number" || !Number.isFinite(value)) return complain("expected a number");
  if (minimum !== undefined && !Number.isSafeInteger(value)) return complain("expected a whole number");
  if (minimum !== undefined && value < minimum) return complain(`expected at least ${minimum}`);
  if (maximum !== undefined && value > maximum) return complain(`expected at most ${maximum}`);
  return undefined;
}

function arrayComplaint(
  value: unknown,
  { items = {}, maxItems = Number.POSITIVE_INFINITY }: Schema,
  schemas: Schemas,
  where: string,
): Complaint | undefined {
  if (!Array.isArray(value)) return { where, problem: "expected a list" };
  if (value.length > maxItems) return { where, problem: `expected at most ${maxItems}` };
  for (const [index, each] of value.entries()) {
    const complaint = complaintOf(each, items, schemas, `${where}[${index}]`);
    if (complaint !== undefined) return complaint;
  }
  return undefined;
}

function objectComplaint(
  value: unknown,
  { properties = {}, required = [], additionalProperties }: Schema,
  schemas: Schemas,
  where: string,
): Complaint | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return { where, problem: "expected an object" };
  }
  const inside = (name: string) => (where === "" ? name : `${where}.${name}`);
  const missing = required.find((name) => !Object.hasOwn(value, name));
  if (missing !== undefined) return { where: inside(missing), problem: "is missing" };
  for (const [name, member] of Object.entries(value)) {
    const known = Object.hasOwn(properties, name) ? properties[name] : undefined;
    const schema = known ?? (typeof additionalProperties === "object" ? additionalProperties : undefined);
    if (schema === undefined) {
      if (additionalProperties === false) return { where, problem: "has a member that nobody knows" };
      continue;
    }
    const complaint = complaintOf(member, schema, schemas, inside(known === undefined ? "…" : name));
    if (complaint !== undefined) return complaint;
  }
  return undefined;
}
