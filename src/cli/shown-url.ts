/** The URL for people to read: without a user name, a password or parameters. */
export function shownUrl(url: string): string {
  const [, scheme, authority = "", path = ""] = /^([^:]+:\/\/)([^/?#]*)([^?#]*)/.exec(url) ?? [];
  if (scheme === undefined) return url.replace(/[?#].*$/s, "");
  const at = authority.lastIndexOf("@");
  return `${scheme}${at === -1 ? "" : "***@"}${authority.slice(at + 1)}${path}`;
}
