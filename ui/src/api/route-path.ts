import type { RouteName } from "./types.ts";

/** Names in braces, as an object. */
export type Params<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? { readonly [Key in Name]: string } & Params<Rest>
  : unknown;

export type Query = Readonly<Record<string, string | number | undefined>>;

/** The address of a route, below where the monitor is mounted: `api/queues/a%2Fb?state=retry`. */
export function routePath(
  route: RouteName,
  params: Readonly<Record<string, string>> = {},
  query: Query = {},
): string {
  const template = route.slice(route.indexOf("/") + 1);
  const path = template.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ""));
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== "") search.set(name, String(value));
  }
  const text = search.toString();
  return text === "" ? path : `${path}?${text}`;
}
