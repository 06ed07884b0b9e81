import { InvalidOptionError } from "../errors.ts";

/**
 * The place that the cursor of a search, or of an engine's scan, names. It has been in the hands of whoever searches: what it says is looked at
 * before the store gets to see it.
 *
 * @throws {@link InvalidOptionError} no scan has answered such a cursor.
 */
export function readCursor<T>(cursor: string, isPlace: (value: unknown) => value is T): T {
  let place: unknown;
  try {
    place = JSON.parse(cursor);
  } catch (error) {
    throw invalidCursor(error);
  }
  if (!isPlace(place)) throw invalidCursor();
  return place;
}

function invalidCursor(cause?: unknown): InvalidOptionError {
  return new InvalidOptionError("cursor", "is not one that a search has answered", { cause });
}

/** As far as an object's fields can be asked for: what they are is not known. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

export function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === "string");
}
