import { isDeepStrictEqual, types } from "node:util";
import { showValue } from "./show.ts";

/** A matcher of a test library: `expect.any(Number)`, `expect.stringContaining("@")`. */
interface AsymmetricMatcher {
  asymmetricMatch(actual: unknown): boolean;
  toAsymmetricMatcher?(): string;
}

/**
 * Where `actual` is not what `expected` asks for, one line each; none: it matches.
 *
 * Objects may have more members than are asked for, lists may not. A Date also equals its ISO text, since that is what
 * JSON makes of it; so does whatever else has a `toJSON`. `undefined` asks for a member that is absent.
 */
export function differences(expected: unknown, actual: unknown, path = "payload"): string[] {
  if (isMatcher(expected)) {
    if (expected.asymmetricMatch(actual)) return [];
    return [`${path}: expected ${showExpected(expected)}, got ${showValue(actual)}`];
  }
  if (isDeepStrictEqual(expected, actual) || equalBytes(expected, actual)) return [];
  if (Array.isArray(expected) && Array.isArray(actual)) return listDifferences(expected, actual, path);
  if (isRecord(expected) && isRecord(actual)) {
    return Object.keys(expected).flatMap((key) =>
      differences(expected[key], Object.hasOwn(actual, key) ? actual[key] : undefined, memberPath(path, key)),
    );
  }
  if (hasToJson(expected) && !hasToJson(actual)) {
    if (differences(expected.toJSON(), actual).length === 0) return [];
  }
  return [`${path}: expected ${showExpected(expected)}, got ${showValue(actual)}`];
}

/** What is asked for, with matchers told by their own names. */
export function showExpected(expected: unknown): string {
  return showValue(named(expected));
}

function listDifferences(expected: readonly unknown[], actual: readonly unknown[], path: string): string[] {
  if (expected.length !== actual.length) {
    return [`${path}: expected ${expected.length} items, got ${actual.length}: ${showValue(actual)}`];
  }
  return expected.flatMap((item, i) => differences(item, actual[i], `${path}[${i}]`));
}

/** Strict equality tells a Buffer from another Uint8Array; the bytes are what counts. */
function equalBytes(expected: unknown, actual: unknown): boolean {
  return types.isUint8Array(expected) && types.isUint8Array(actual) && Buffer.compare(expected, actual) === 0;
}

/** Made by a literal, in whatever realm; what has a class of its own is compared as a whole. */
function isRecord(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: object | null = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function isMatcher(value: unknown): value is AsymmetricMatcher {
  return typeof (value as AsymmetricMatcher | null | undefined)?.asymmetricMatch === "function";
}

function hasToJson(value: unknown): value is { toJSON(): unknown } {
  return typeof (value as { toJSON?: unknown } | null | undefined)?.toJSON === "function";
}

class Named {
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.#name;
  }
}

function named(expected: unknown): unknown {
  if (isMatcher(expected)) return new Named(expected.toAsymmetricMatcher?.() ?? String(expected));
  if (Array.isArray(expected)) return expected.map(named);
  if (!isRecord(expected)) return expected;
  return Object.fromEntries(Object.entries(expected).map(([key, value]) => [key, named(value)]));
}

function memberPath(path: string, key: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`;
}
