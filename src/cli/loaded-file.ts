import { fileURLToPath } from "node:url";
import { type SignedFile, sign } from "./file-signature.ts";

/** The user's file behind a module's URL; `undefined` for what is no file, or an installed package's. */
export function loadedFile(url: string): SignedFile | undefined {
  if (!url.startsWith("file:")) return undefined;
  // Loaders add parameters of their own.
  const path = fileURLToPath(url.replace(/[?#].*$/s, ""));
  return /[\\/]node_modules[\\/]/.test(path) ? undefined : sign(path);
}
