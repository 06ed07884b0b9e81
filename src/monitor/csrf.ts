import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { forbidden, HttpError } from "./http-error.ts";
import type { Visitor } from "./scope.ts";

/**
 * Sees to it that changes come from the monitor's own pages: other pages can make a visitor's browser send requests, yet
 * can neither read the value that `GET api/session` gives, nor hide where they are.
 */
export class Csrf {
  readonly #secret = randomBytes(32);

  tokenOf({ user }: Pick<Visitor, "user">): string {
    return createHmac("sha256", this.#secret)
      .update(user ?? "")
      .digest("base64url");
  }

  /** @throws {@link HttpError} 415, or 403. */
  require(request: Request, visitor: Visitor, host: string): void {
    requireJson(request);
    if (hasBearerToken(request)) return;
    const { headers } = request;
    if (headers.get("origin") === null && headers.get("sec-fetch-site") === null) {
      throw forbidden("the request does not tell which page it is from (Origin, Sec-Fetch-Site)", "CSRF");
    }
    requireOwnOrigin(request, host, ["same-origin"]);
    const expected = Buffer.from(this.tokenOf(visitor));
    const given = Buffer.from(headers.get("x-tq-csrf") ?? "");
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
      throw forbidden("the header x-tq-csrf is missing or out of date: ask for api/session again", "CSRF");
    }
  }
}

/** A browser sends no bearer token by itself, so no other page can make it send one. */
function hasBearerToken(request: Request): boolean {
  return /^Bearer /i.test(request.headers.get("authorization") ?? "");
}

function requireJson({ headers }: Request): void {
  const [type = ""] = (headers.get("content-type") ?? "").split(";");
  if (type.trim().toLowerCase() === "application/json") return;
  throw new HttpError(415, "UNSUPPORTED_MEDIA_TYPE", "expected content-type: application/json");
}

/**
 * Refuses what another page made the browser send.
 *
 * @param host - what the visitor's browser takes us for, port included
 * @throws {@link HttpError} 403
 */
export function requireOwnOrigin(request: Request, host: string, sites: readonly string[]): void {
  const origin = request.headers.get("origin");
  const site = request.headers.get("sec-fetch-site");
  const elsewhere = origin !== null && hostOfOrigin(origin) !== host.toLowerCase();
  if (elsewhere || (site !== null && !sites.includes(site))) {
    throw forbidden("the request is from a page of another origin", "CSRF");
  }
}

function hostOfOrigin(origin: string): string | undefined {
  return /^https?:\/\/([^/?#@]+)$/i.exec(origin)?.[1]?.toLowerCase();
}
