import type { WrittenContent } from "../api/types.ts";
import { parsed } from "./schema-form.ts";

/** A payload as it is written in a form. */
export interface PayloadText {
  readonly kind: Exclude<WrittenContent["kind"], "none">;
  /** Empty: none. */
  readonly payload: string;
}

/** What can be told to be wrong without asking; `null`: nothing. */
export function payloadProblem({ kind, payload }: PayloadText): string | null {
  if (kind === "json" && payload.trim() !== "" && parsed(payload) === undefined) return "This is not JSON.";
  if (kind === "hex" && !/^(?:[\da-f]{2})*$/i.test(payload.replaceAll(/\s/g, ""))) {
    return "An even number of hexadecimal digits.";
  }
  return null;
}

export function contentOf({ kind, payload }: PayloadText): WrittenContent {
  if (kind === "hex") {
    const digits = payload.replaceAll(/\s/g, "");
    return digits === "" ? { kind: "none", text: "" } : { kind, text: digits };
  }
  const isNone = kind === "json" ? payload.trim() === "" : payload === "";
  return isNone ? { kind: "none", text: "" } : { kind, text: payload };
}
