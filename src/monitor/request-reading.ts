import { badRequest, HttpError } from "./http-error.ts";
import { complaintOf, resolveSchema, type Schema } from "./schema.ts";

type Schemas = Readonly<Record<string, Schema>>;

/** Bytes of a request's body, at most. */
const MOST_BYTES = 1_048_576;
/** Lists and objects in one another, at most. */
const MOST_DEPTH = 32;

/** Where a framework before us has read the body already, it left it here. */
export interface ReadBefore {
  readonly parsed: unknown;
}

/**
 * The body of a request, which is what its schema says.
 *
 * @throws {@link HttpError} 413, or 400.
 */
export async function readBody(
  request: Request,
  schema: Schema | null,
  schemas: Schemas,
  before?: ReadBefore,
): Promise<unknown> {
  const body = before === undefined ? parse(await readText(request)) : before.parsed;
  if (schema === null) return undefined;
  const complaint = complaintOf(body ?? {}, schema, schemas);
  if (complaint !== undefined) throw badRequest(complaint.problem, complaint.where || "the body");
  return body ?? {};
}

async function readText(request: Request): Promise<string> {
  const tooLarge = () =>
    new HttpError(413, "TOO_LARGE", `the body is larger than ${MOST_BYTES} bytes`, {
      headers: { connection: "close" },
    });
  if (Number(request.headers.get("content-length") ?? 0) > MOST_BYTES) throw tooLarge();
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  const reader = request.body?.getReader();
  while (reader !== undefined) {
    const { done, value } = await reader.read();
    if (done) break;
    bytes += value.length;
    if (bytes > MOST_BYTES) {
      await reader.cancel();
      throw tooLarge();
    }
    pieces.push(value);
  }
  return Buffer.concat(pieces).toString("utf8");
}

function parse(text: string): unknown {
  if (text.trim() === "") return undefined;
  if (depthOf(text) > MOST_DEPTH) throw badRequest("too many lists and objects in one another", "the body");
  try {
    return JSON.parse(text);
  } catch {
    // What the parser says holds a piece of what was sent.
    throw badRequest("expected JSON", "the body");
  }
}

/** How deep lists and objects of a JSON text lie in one another; of any other text, some number. */
function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let at = 0; at < text.length; at += 1) {
    const c = text[at];
    if (inString) {
      if (c === "\\") at += 1;
      else if (c === '"') inString = false;
    } else if (c === '"') inString = true;
    else if (c === "[" || c === "{") {
      depth += 1;
      deepest = Math.max(deepest, depth);
    } else if (c === "]" || c === "}") depth -= 1;
  }
  return deepest;
}

/**
 * The query of a request, with numbers for numbers, and defaults filled in.
 *
 * @throws {@link HttpError} 400
 */
export function readQuery(
  params: URLSearchParams,
  schema: Schema | null,
  schemas: Schemas,
): Record<string, unknown> {
  const { properties = {}, ...rest } = schema === null ? {} : resolveSchema(schema, schemas);
  const query: Record<string, unknown> = Object.create(null);
  for (const name of new Set(params.keys())) {
    const property = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (property === undefined) throw badRequest("has a parameter that nobody knows", "the query");
    const [text = "", ...more] = params.getAll(name);
    if (more.length > 0) throw badRequest("is there more than once", name);
    query[name] = property.type === "number" ? numberOf(text, name) : text;
  }
  for (const [name, { default: value }] of Object.entries(properties)) {
    if (value !== undefined) query[name] ??= value;
  }
  const complaint = complaintOf(query, { ...rest, type: "object", properties }, schemas);
  if (complaint !== undefined) throw badRequest(complaint.problem, complaint.where || "the query");
  return query;
}

function numberOf(text: string, name: string): number {
  if (/^-?\d{1,15}$/.test(text)) return Number(text);
  throw badRequest("expected a whole number", name);
}

/** Names in a parameter, separated by commas; `%2C` stands for one within a name, and `%25` for a percent sign. */
export function namesIn(text: string | undefined): string[] | undefined {
  if (text === undefined || text === "") return undefined;
  return text.split(",").map((name) => {
    try {
      return decodeURIComponent(name);
    } catch {
      return name;
    }
  });
}
