import nodeModule, { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { MessageChannel, receiveMessageOnPort } from "node:worker_threads";
import type { SignedFile } from "./file-signature.ts";
import { loadedFile } from "./loaded-file.ts";

type Load = (url: string, context: unknown, next: (url: string, context: unknown) => unknown) => unknown;
type RegisterHooks = (hooks: { readonly load: Load }) => unknown;

/**
 * Tells of each of the user's files that this process loads from now on. The answer makes sure that all those which
 * were loaded so far have been told.
 */
export function onLoad(tell: (file: SignedFile) => void): () => void {
  const { registerHooks } = nodeModule as { readonly registerHooks?: RegisterHooks };
  if (registerHooks === undefined) return onLoadElsewhere(tell);
  registerHooks({
    load(url, context, next) {
      const file = loadedFile(url);
      if (file !== undefined) tell(file);
      return next(url, context);
    },
  });
  return () => undefined;
}

/** Below Node.js 22.15 hooks live in a thread of their own, and are not asked for what `require` loads. */
function onLoadElsewhere(tell: (file: SignedFile) => void): () => void {
  const { port1: ours, port2: theirs } = new MessageChannel();
  const data = { port: theirs };
  nodeModule.register("./load-hook.mjs", { parentURL: import.meta.url, data, transferList: [theirs] });
  ours.on("message", tell).unref();
  return () => {
    for (let next = receiveMessageOnPort(ours); next !== undefined; next = receiveMessageOnPort(ours)) {
      tell(next.message as SignedFile);
    }
    for (const path of Object.keys(createRequire(import.meta.url).cache)) {
      const file = loadedFile(pathToFileURL(path).href.replace("%3F", "?"));
      if (file !== undefined) tell(file);
    }
  };
}
