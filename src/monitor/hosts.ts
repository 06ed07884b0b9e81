import { isIP } from "node:net";
import { HttpError } from "./http-error.ts";

const LOOPBACK_NAMES: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "[::1]"]);

export interface HostRules {
  /** Names, with or without a port, beside those that are always ours. */
  readonly allowed: readonly string[];
  /** Believe `X-Forwarded-Host`. */
  readonly trustProxy: boolean;
  /**
   * Whether other names are refused. `loopback`: all but those of this machine. `addresses`: all names, but no address: a
   * page that turns its own name into our address (DNS rebinding) sends its name. `any`: whoever mounted us decides.
   */
  readonly others: "loopback" | "addresses" | "any";
}

/**
 * The host that the visitor's browser takes us for.
 *
 * @throws {@link HttpError} 421 it is none of ours, 400 there is none.
 */
export function requireOwnHost(headers: Headers, { allowed, trustProxy, others }: HostRules): string {
  const forwarded = trustProxy ? headers.get("x-forwarded-host") : null;
  const host = (forwarded ?? headers.get("host") ?? "").trim().toLowerCase();
  const name = /^(\[[\d:a-f.]+\]|[^:[\]/@\s,]+)(?::\d{1,5})?$/.exec(host)?.[1];
  if (name === undefined) throw new HttpError(400, "BAD_REQUEST", "expected one Host header");
  if (isOwn(host, name, allowed, others)) return host;
  throw new HttpError(421, "MISDIRECTED", "this monitor is not known by that name; see allowedHosts");
}

function isOwn(host: string, name: string, allowed: readonly string[], others: HostRules["others"]): boolean {
  if (LOOPBACK_NAMES.has(name)) return true;
  if (allowed.some((each) => each.toLowerCase() === name || each.toLowerCase() === host)) return true;
  if (others === "addresses") return isIP(name.replaceAll(/[[\]]/g, "")) !== 0;
  return others === "any" && allowed.length === 0;
}

/** Whether an address, as a socket or a `--host` gives it, is of this machine alone. */
export function isLoopback(address: string): boolean {
  const plain = address.replace(/^::ffff:/i, "").replaceAll(/[[\]]/g, "");
  return plain === "localhost" || plain === "::1" || (isIP(plain) === 4 && plain.startsWith("127."));
}
