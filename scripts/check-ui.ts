/**
 * Checks the pages of the monitor, as they are written and as they are built:
 *
 *     tsx scripts/check-ui.ts
 *
 * What a browser loads before the first page is seen weighs little. Nothing in it needs what the monitor's own policy
 * forbids: scripts and styles of the document itself, markup out of text, other origins. And of the rest of the package
 * it knows the types of `monitor/api.ts`, and nothing else.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

/** Bytes of JavaScript, compressed, that the first page may take. */
const MOST_FIRST = 170_000;

export interface Bundle {
  readonly html: string;
  /** By name below `assets/`. */
  readonly scripts: ReadonlyMap<string, string>;
}

/** The scripts that come with the first page: what the document loads, what those load in turn, and its charts. */
export function firstLoad({ html, scripts }: Bundle): string[] {
  const found = new Set<string>();
  const follow = (name: string): void => {
    const text = scripts.get(name);
    if (text === undefined || found.has(name)) return;
    found.add(name);
    for (const [, next = ""] of text.matchAll(/(?:from|import)\s*["']\.\/([^"']+\.js)["']/g)) follow(next);
  };
  for (const [, name = ""] of html.matchAll(/(?:src|href)="\.\/assets\/([^"]+\.js)"/g)) follow(name);
  for (const name of scripts.keys()) if (name.startsWith("plot-")) follow(name);
  return [...found];
}

/** What a built page must not have, one line each. */
export function checkHtml(html: string): string[] {
  const complaints: string[] = [];
  const add = (pattern: RegExp, text: string) => pattern.test(html) && complaints.push(`index.html ${text}`);
  add(/<script(?![^>]*\ssrc=)/i, "has a script of its own");
  add(/<style/i, "has a style of its own");
  add(/\sstyle=/i, "has a style attribute");
  add(/\son\w+=/i, "has a handler in an attribute");
  add(/<base\b/i, "has a base");
  add(/(?:src|href)="(?!\.\/)/i, "refers to something by other than ./");
  return complaints;
}

const SINKS =
  /\b(?:innerHTML|outerHTML|insertAdjacentHTML|dangerouslySetInnerHTML|document\.write|createContextualFragment|srcdoc|DOMParser|new Function|eval\()/;
const OUTSIDE = /from\s+["'](?:\.\.\/)+(?:src|test|scripts|dist)\//;

/** What a source must not have, one line each. */
export function checkSource(file: string, text: string): string[] {
  const complaints: string[] = [];
  for (const [at, line] of text.split("\n").entries()) {
    const where = `${file}:${at + 1}`;
    if (SINKS.test(line)) complaints.push(`${where} makes markup or code of text`);
    if (/https?:\/\/(?!www\.w3\.org\/)/.test(line)) complaints.push(`${where} names another origin`);
    const own = /export type \* from ["'](?:\.\.\/)+src\/monitor\/api\.ts["']/.test(line);
    if (OUTSIDE.test(line) && !own) complaints.push(`${where} knows more of the package than monitor/api.ts`);
  }
  return complaints;
}

function main(): void {
  const root = fileURLToPath(new URL("..", import.meta.url));
  const complaints: string[] = [];
  for (const file of readdirSync(join(root, "ui/src"), { recursive: true, encoding: "utf8" })) {
    if (!/\.(?:tsx?|css)$/.test(file)) continue;
    complaints.push(...checkSource(`ui/src/${file}`, readFileSync(join(root, "ui/src", file), "utf8")));
  }
  const built = join(root, "dist/ui");
  const html = readFileSync(join(built, "index.html"), "utf8");
  const names = readdirSync(join(built, "assets"));
  const scripts = new Map(
    names
      .filter((name) => name.endsWith(".js"))
      .map((name) => [name, readFileSync(join(built, "assets", name), "utf8")]),
  );
  complaints.push(...checkHtml(html));
  if (names.filter((name) => name.endsWith(".css")).length !== 1)
    complaints.push("there is not one style sheet");
  const weigh = (text: string) => gzipSync(text, { level: 9 }).length;
  const first = firstLoad({ html, scripts });
  const bytes = first.reduce((all, name) => all + weigh(scripts.get(name) ?? ""), 0);
  const total = [...scripts.values()].reduce((all, text) => all + weigh(text), 0);
  if (first.length === 0) complaints.push("index.html loads no script");
  if (bytes > MOST_FIRST)
    complaints.push(`the first load is ${bytes} bytes of JavaScript, more than ${MOST_FIRST}`);
  for (const complaint of complaints) console.error(complaint);
  if (complaints.length > 0) process.exitCode = 1;
  else console.log(`monitor's pages: ${bytes} bytes of JavaScript at first, ${total} in all (gzip)`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
