/** Runs in the thread of Node's module hooks, below Node.js 22.15: posts each of the user's files as it is loaded. */
import type { MessagePort } from "node:worker_threads";
import { loadedFile } from "./loaded-file.ts";

let port: MessagePort | undefined;

export function initialize(data: { readonly port: MessagePort }): void {
  port = data.port;
}

export function load(
  url: string,
  context: unknown,
  next: (url: string, context: unknown) => unknown,
): unknown {
  // Before it is read: a file that changes meanwhile counts as changed.
  const file = loadedFile(url);
  if (file !== undefined) port?.postMessage(file);
  return next(url, context);
}
