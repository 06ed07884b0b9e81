import type { Content, WrittenContent } from "./api.ts";
import { badRequest } from "./http-error.ts";
import type { Redaction } from "./redaction.ts";

/** Bytes of a payload or a result that an answer shows, at most. */
export const CONTENT_LIMIT = 65_536;
/** Characters of a preview, and of what it is made of: space is drawn together. */
const PREVIEW_LIMIT = 200;
const PREVIEWED = 400;
/** JSON that is larger than this is shown as text, because reading it would take the time of others. */
const MOST_JSON = 1_048_576;

const strict = new TextDecoder("utf-8", { fatal: true });

/** What the first bytes are, to be shown. `redaction`: the visitor may not see secrets. */
export function contentOf(bytes: Uint8Array | undefined, redaction?: Redaction): Content {
  if (bytes === undefined || bytes.length === 0) {
    return { bytes: 0, kind: "none", text: "", truncated: false, redacted: false };
  }
  const size = bytes.length;
  const truncated = size > CONTENT_LIMIT;
  const shown = decoded(bytes.subarray(0, CONTENT_LIMIT), truncated);
  if (shown === undefined) {
    if (redaction !== undefined) return withheld(size, "hex");
    return { bytes: size, kind: "hex", text: hexOf(bytes), truncated, redacted: false };
  }
  const whole = size <= MOST_JSON ? decoded(bytes, false) : undefined;
  const json = whole !== undefined && isJson(whole);
  const kind = json ? "json" : "text";
  if (redaction === undefined) return { bytes: size, kind, text: shown, truncated, redacted: false };
  const clean = json ? redaction.redactJson(whole) : undefined;
  if (clean === undefined) return withheld(size, kind);
  const cut = clean.text.length > CONTENT_LIMIT;
  return {
    bytes: size,
    kind,
    text: clean.text.slice(0, CONTENT_LIMIT),
    truncated: cut,
    redacted: clean.redacted,
  };
}

/** The whole, for a file. */
export function fileOf(
  bytes: Uint8Array | undefined,
  redaction?: Redaction,
): { readonly body: string | Uint8Array; readonly type: string; readonly extension: string } {
  const content = contentOf(bytes, redaction);
  if (redaction !== undefined) return { body: content.text, ...TEXT };
  if (content.kind === "hex") {
    return { body: bytes ?? "", type: "application/octet-stream", extension: "bin" };
  }
  return { body: bytes ?? "", ...TEXT };
}

const TEXT = { type: "text/plain; charset=utf-8", extension: "txt" } as const;

/** The first characters of a payload on one line; `null`: there is none, or none that can be read. */
export function previewOf(bytes: Uint8Array | undefined, redaction?: Redaction): string | null {
  const text = redaction === undefined ? beginningOf(bytes) : contentOf(bytes, redaction).text;
  return bytes === undefined || bytes.length === 0
    ? null
    : text.slice(0, PREVIEWED).replaceAll(/\s+/g, " ").slice(0, PREVIEW_LIMIT);
}

/** Of a table's many rows no more is read than they show. */
function beginningOf(bytes: Uint8Array = new Uint8Array()): string {
  // No character takes more than four bytes.
  const shown = bytes.subarray(0, 4 * PREVIEWED);
  return decoded(shown, shown.length < bytes.length) ?? hexOf(shown);
}

/**
 * The bytes that somebody wrote.
 *
 * @throws {@link HttpError} 400
 */
export function bytesOf({ kind, text }: WrittenContent): Uint8Array | undefined {
  switch (kind) {
    case "none":
      return undefined;
    case "hex":
      if (text.length % 2 === 1 || !/^[\da-f]*$/i.test(text)) {
        throw badRequest("expected an even number of hexadecimal digits", "payload.text");
      }
      return Uint8Array.from(Buffer.from(text, "hex"));
    case "json":
      if (!isJson(text)) throw badRequest("expected JSON", "payload.text");
      return new TextEncoder().encode(text);
    case "text":
      return new TextEncoder().encode(text);
  }
}

/** The other way about: what would write the same bytes. */
export function writtenOf(bytes: Uint8Array | undefined): WrittenContent {
  if (bytes === undefined || bytes.length === 0) return { kind: "none", text: "" };
  const text = decoded(bytes, false);
  if (text === undefined) return { kind: "hex", text: Buffer.from(bytes).toString("hex") };
  return { kind: isJson(text) ? "json" : "text", text };
}

/** As UTF-8, of which the last character may be cut in two; `undefined`: it is something else. */
function decoded(bytes: Uint8Array, cut: boolean): string | undefined {
  for (const less of cut ? [0, 1, 2, 3] : [0]) {
    try {
      return strict.decode(bytes.subarray(0, bytes.length - less));
    } catch {
      // Shorter by a byte, perhaps; what is none of UTF-8 stays so.
    }
  }
  return undefined;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.subarray(0, CONTENT_LIMIT / 2)).toString("hex");
}

function withheld(bytes: number, kind: Content["kind"]): Content {
  return { bytes, kind, text: "", truncated: false, redacted: true };
}
