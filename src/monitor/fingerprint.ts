import { createHash } from "node:crypto";

const MESSAGE = 300;

/** Names the group of failures of a type whose errors differ only in numbers, ids and quoted words. Stable over restarts. */
export function fingerprintOf(type: string, message: string): string {
  return createHash("sha256")
    .update(JSON.stringify([type, message]))
    .digest("hex")
    .slice(0, 16);
}

/** The first line of an error, with what differs from task to task replaced. */
export function normalised(error: string): string {
  const [line = ""] = error.slice(0, 2_000).split("\n");
  return line
    .replaceAll(/[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}/gi, "…")
    .replaceAll(/"[^"]{0,500}"|'[^']{0,500}'/g, "…")
    .replaceAll(/\b0x[\da-f]+\b|\b(?=[a-f]*\d)[\da-f]{8,}\b/gi, "…")
    .replaceAll(/\d+(?:\.\d+)*/g, "…")
    .slice(0, MESSAGE);
}
