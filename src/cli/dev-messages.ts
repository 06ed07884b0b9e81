import type { SignedFile } from "./file-signature.ts";

/** What `titanqueue dev` tells the process that runs the worker file. */
export type DevOrder = "shutdown" | "hurry";

/** What that process tells. */
export type DevNews =
  /** A file was loaded. */
  | { readonly kind: "loaded"; readonly file: SignedFile }
  /** The server is made; a shutdown takes so many milliseconds at most. */
  | { readonly kind: "serving"; readonly shutdownLimit: number }
  /** The server could not start, for a reason that no change of the worker file mends. */
  | { readonly kind: "hopeless" };
