/** Where a page of the monitor is: a path below the mount, `/queues/low`, and what follows its question mark. */
export interface Place {
  readonly path: string;
  readonly search: URLSearchParams;
}

/** A place, out of the address of the tab. Foreign addresses are the first page. */
export function placeOf(href: string, base: URL): Place {
  const url = new URL(href);
  const isBelow = url.origin === base.origin && url.pathname.startsWith(base.pathname);
  const path = isBelow ? `/${url.pathname.slice(base.pathname.length)}` : "/";
  return { path: path.length > 1 ? path.replace(/\/+$/, "") || "/" : path, search: url.searchParams };
}

/** The address of a link such as `/queues/low?state=retry`, in whatever the monitor is mounted under. */
export function hrefOf(to: string, base: URL): string {
  return base.pathname.slice(0, -1) + to;
}

/** A link, its parts percent-encoded: `` link`/queues/${queue}/tasks/${id}` ``. */
export function link(strings: TemplateStringsArray, ...parts: readonly string[]): string {
  return strings.reduce((text, string, at) => text + encodeURIComponent(parts[at - 1] ?? "") + string);
}

/** A link with parameters; those without a value are left out. */
export function withSearch(
  path: string,
  search: Readonly<Record<string, string | number | null | undefined>>,
): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(search)) {
    if (value !== null && value !== undefined && value !== "") params.set(name, String(value));
  }
  const text = params.toString();
  return text === "" ? path : `${path}?${text}`;
}

/** What stands in braces in the path of a page. */
export interface PageParams {
  readonly params: Readonly<Record<string, string>>;
}

/** What stands at the places in braces of a pattern such as `/queues/{queue}`; `undefined`: it is another path. */
export function matchPath(pattern: string, path: string): Readonly<Record<string, string>> | undefined {
  const wanted = pattern.split("/");
  const given = path.split("/");
  if (wanted.length !== given.length) return undefined;
  const params: Record<string, string> = {};
  for (const [at, part] of wanted.entries()) {
    const text = given[at] ?? "";
    if (!part.startsWith("{")) {
      if (part !== text) return undefined;
      continue;
    }
    const value = decoded(text);
    if (value === undefined || value === "") return undefined;
    params[part.slice(1, -1)] = value;
  }
  return params;
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}
