import { randomUUID } from "node:crypto";

/**
 * A UUID in the form of version 4 whose first 48 bits are the time in milliseconds, the other 74 free ones chance.
 *
 * What is drawn later sorts later, so an index over ids grows at its end: with random ids each new task would touch a
 * page of its own, and a store of a million tasks would be several times slower than an empty one.
 */
export function timeOrderedUuid(now: number): string {
  const time = Math.floor(now).toString(16).padStart(12, "0").slice(-12);
  return `${time.slice(0, 8)}-${time.slice(8)}${randomUUID().slice(13)}`;
}
