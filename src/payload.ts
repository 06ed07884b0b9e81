import { isUtf8 } from "node:buffer";
import { types } from "node:util";
import { PayloadNotJsonError, PayloadNotSerializableError } from "./errors.ts";

/** A larger payload or result is refused by default: each copy of it costs Redis and every reader that much. */
export const MAX_PAYLOAD_BYTES = 8 * 1_024 * 1_024;
/** Deeper values are refused: they would overflow the stack here, or in whoever reads them. */
const MAX_DEPTH = 1_000;

/**
 * The bytes of a payload or result: JSON text of any value, a `Uint8Array` as it is (copied, so the caller may go
 * on using it), nothing for `undefined`.
 *
 * What JSON would change without a word (NaN, Map, a class instance, …) is refused, except that properties that are
 * `undefined` are left out and that `toJSON` is honoured (a Date becomes ISO text). Bytes within a value are refused
 * too: JSON has no form for them.
 *
 * @throws {@link PayloadNotSerializableError} `path` says where in the value, beginning with the `path` given.
 */
export function encodePayload(value: unknown, path = "payload"): Uint8Array | undefined {
  if (value === undefined) return undefined;
  if (types.isUint8Array(value)) return Buffer.from(value);
  return reading(path, () => {
    if (!isSurelyJson(value)) requireJson(value, path, []);
    return Buffer.from(JSON.stringify(value));
  });
}

/**
 * The value that {@link encodePayload} wrote; `undefined` for no bytes.
 *
 * @throws {@link PayloadNotJsonError} the bytes are not JSON in UTF-8.
 */
export function decodePayload(bytes: Uint8Array | undefined, taskType: string): unknown {
  if (bytes === undefined || bytes.length === 0) return undefined;
  if (!isUtf8(bytes)) throw new PayloadNotJsonError(taskType);
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString());
  } catch (cause) {
    throw new PayloadNotJsonError(taskType, { cause });
  }
}

/** Runs what may call code of the user's: getters, `toJSON`. What that throws is told as a refusal at `path`. */
function reading<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof PayloadNotSerializableError) throw cause;
    const problem = `cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`;
    throw new PayloadNotSerializableError(path, problem, { cause });
  }
}

/**
 * Whether JSON carries all of `value`, in a quick look that remembers no path. No is not the last word:
 * {@link requireJson} then looks again, and says what is wrong and where, if anything is.
 */
function isSurelyJson(value: unknown): boolean {
  try {
    return isJsonWithin(MAX_DEPTH, value);
  } catch {
    return false; // a getter threw: let the slow look say which one
  }
}

function isJsonWithin(depth: number, value: unknown): boolean {
  switch (typeof value) {
    case "string":
    case "boolean":
      return true;
    case "number":
      return Number.isFinite(value);
    case "object":
      return value === null || isJsonObjectWithin(depth, value);
    default:
      return false;
  }
}

/** A cycle is deeper than any depth. */
function isJsonObjectWithin(depth: number, value: object): boolean {
  if (depth === 0) return false;
  if (hasToJson(value)) return types.isDate(value) && isPlainDate(value);
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) if (!isJsonWithin(depth - 1, value[i])) return false;
    return true;
  }
  if (!isPlain(value)) return false;
  for (const key of Object.keys(value)) {
    const member = (value as Record<string, unknown>)[key];
    if (member !== undefined && !isJsonWithin(depth - 1, member)) return false;
  }
  return true;
}

function isPlainDate(date: Date): boolean {
  return date.toJSON === Date.prototype.toJSON && !Number.isNaN(date.getTime());
}

/** `within` holds the objects that contain `value`, outermost first. */
function requireJson(value: unknown, path: string, within: object[]): void {
  switch (typeof value) {
    case "string":
    case "boolean":
      return;
    case "number":
      if (!Number.isFinite(value)) throw new PayloadNotSerializableError(path, `JSON cannot hold ${value}`);
      return;
    case "bigint":
      throw new PayloadNotSerializableError(path, "JSON cannot hold a BigInt; send text, or use a codec");
    case "undefined":
      throw new PayloadNotSerializableError(path, "JSON cannot hold undefined here; send null");
    case "function":
    case "symbol":
      throw new PayloadNotSerializableError(path, `JSON cannot hold a ${typeof value}`);
    case "object":
      if (value !== null) requireJsonObject(value, path, within);
  }
}

function requireJsonObject(value: object, path: string, within: object[]): void {
  if (within.includes(value)) throw new PayloadNotSerializableError(path, "refers back to a value around it");
  if (within.length === MAX_DEPTH) {
    throw new PayloadNotSerializableError(path, `is nested deeper than ${MAX_DEPTH} levels`);
  }
  within.push(value);
  if (types.isUint8Array(value)) throw notPlain(value, path);
  const stated = reading(path, () => (hasToJson(value) ? replacementOf(value, path) : value));
  if (typeof stated !== "object" || stated === null) requireJson(stated, path, within);
  else if (Array.isArray(stated)) {
    for (let i = 0; i < stated.length; i++) requireJson(stated[i], `${path}[${i}]`, within);
  } else if (isPlain(stated) || (stated === value && hasToJson(value))) {
    for (const key of Object.keys(stated)) {
      const at = memberPath(path, key);
      const member = reading(at, () => (stated as Record<string, unknown>)[key]);
      if (member !== undefined) requireJson(member, at, within);
    }
  } else throw notPlain(stated, path);
  within.pop();
}

function notPlain(value: object, path: string): PayloadNotSerializableError {
  return new PayloadNotSerializableError(path, `JSON cannot hold ${describe(value)}; send plain data`);
}

/** What JSON writes instead of the object. JSON does not ask that one for a `toJSON` of its own. */
function replacementOf(value: { toJSON(key: string): unknown }, path: string): unknown {
  if (types.isDate(value) && Number.isNaN(value.getTime())) {
    throw new PayloadNotSerializableError(path, "is an invalid Date");
  }
  return value.toJSON("");
}

function hasToJson(value: object): value is { toJSON(key: string): unknown } {
  return typeof (value as { toJSON?: unknown }).toJSON === "function";
}

/** Made by a literal, in this realm or another (a vm context, as Jest's): its prototype is a root, or it has none. */
function isPlain(value: object): boolean {
  const prototype: object | null = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function describe(value: object): string {
  if (types.isPromise(value)) return "a Promise; await it first";
  const name: unknown = value.constructor?.name;
  return typeof name === "string" && name !== "" ? `an instance of ${name}` : "an instance of a class";
}

function memberPath(path: string, key: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`;
}
