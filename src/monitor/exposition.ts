import type { Inspector } from "../index.ts";
import { HttpError } from "./http-error.ts";

/**
 * The engine's metrics for Prometheus.
 *
 * @throws {@link HttpError} 501 prom-client is not installed.
 */
export async function expositionOf(
  inspector: Inspector,
  names: "titanqueue" | "asynq",
  shows: (queue: string) => boolean,
): Promise<Response> {
  const { exposeEngine } = await metrics();
  const { text, type } = await exposeEngine(inspector, { names, queues: shows });
  return new Response(text, { headers: { "content-type": type } });
}

/** Loaded when it is asked for: most monitors are never scraped, and have no prom-client. */
async function metrics() {
  try {
    return await import("../metrics/expose-engine.ts");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const missing = code === "ERR_MODULE_NOT_FOUND" || code === "MODULE_NOT_FOUND";
    if (!missing || !message.includes("prom-client")) throw error;
    throw new HttpError(
      501,
      "NOT_SUPPORTED",
      "metrics take the package prom-client: npm install prom-client@15 where the monitor runs",
    );
  }
}

/** Whether a browser was sent here by a person, who wants a page and no exposition; Prometheus takes no HTML. */
export function wantsPage(headers: Headers): boolean {
  return (headers.get("accept") ?? "").includes("text/html");
}
