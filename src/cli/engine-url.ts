import { createEngine } from "titanqueue";
import { Refusal } from "./ending.ts";

/**
 * The URL of a command: `--url`, else TITANQUEUE_URL, else `fallback`. From then on it is TITANQUEUE_URL, so that a
 * client which the worker file makes without a URL is on the same engine.
 *
 * @throws {@link EngineUrlInvalidError} it cannot be understood.
 */
export function chooseUrl(given: string | undefined, fallback?: string): string {
  const url = given ?? (process.env["TITANQUEUE_URL"] || fallback);
  if (url === undefined) {
    throw new Refusal(
      "no engine: set TITANQUEUE_URL (or pass --url), for example to redis://127.0.0.1:6379 or sqlite:tasks.db",
    );
  }
  // Opens nothing; refuses a URL that is none before anything begins.
  createEngine(url);
  process.env["TITANQUEUE_URL"] = url;
  return url;
}
