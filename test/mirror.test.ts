import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { golden } from "./support/golden.ts";

/** Names of tests by the file they are in. */
type Tests = Readonly<Record<string, readonly string[]>>;

const asynq = golden<{ readonly "v0.26.0": Tests; readonly later: Tests }>("asynq-tests.json");

const here = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));

interface Row {
  /** File and name of asynq's test. */
  readonly theirs: string;
  readonly shows: string;
  readonly ours: readonly { readonly file: string; readonly title: string }[];
}

/** The rows of all tables; a heading names the file that a table is about. */
function rows(): Row[] {
  const found: Row[] = [];
  let file = "";
  for (const line of readFileSync(here("docs/mirror.md"), "utf8").split("\n")) {
    file = /^#+ .*: `(.+)`$/.exec(line)?.[1] ?? file;
    const [, name, shows = "", tests = ""] = /^\| `(\w+)` \| (.*?) \| (.*?) \|/.exec(line) ?? [];
    if (name === undefined) continue;
    const ours = tests.split("<br>").map((test) => {
      const [, file = "", title = ""] = /^`([^`]+)`: (.+)$/.exec(test) ?? [];
      return { file, title };
    });
    found.push({ theirs: `${file} ${name}`, shows, ours });
  }
  return found;
}

/** The texts that calls begin with, in their order: titles of tests are among them. What is commented out is not there. */
function titlesIn(file: string): string[] {
  const code = readFileSync(here(file), "utf8").replace(/^\s*\/\/.*$/gm, "");
  const calls = code.matchAll(/\(\s*(?:"((?:\\.|[^"\\])*)"|`([^`]*)`)/g);
  return [...calls].map(([, quoted, template]) => (quoted ?? template ?? "").replaceAll('\\"', '"'));
}

describe("docs/mirror.md", () => {
  it("has a row for every test of asynq, and for nothing else", () => {
    const wanted = Object.values(asynq).flatMap((tests) =>
      Object.entries(tests).flatMap(([file, names]) => names.map((name) => `${file} ${name}`)),
    );
    expect(
      rows()
        .map(({ theirs }) => theirs)
        .sort(),
    ).toEqual(wanted.sort());
  });

  it.each(rows())("names tests that are there for $theirs", ({ shows, ours }) => {
    expect(shows).toMatch(/\w/);
    for (const { file, title } of ours) {
      expect(existsSync(here(file)), `${file} is there`).toBe(true);
      let titles = titlesIn(file);
      for (const part of title.split(" › ")) {
        expect(titles, `${file} has it`).toContain(part);
        titles = titles.slice(titles.indexOf(part) + 1);
      }
    }
  });
});
