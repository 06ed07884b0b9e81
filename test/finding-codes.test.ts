import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { ADVICE_CODES } from "../src/advice-codes.ts";
import { FINDING_CODES } from "../src/finding-codes.ts";

const page = readFileSync(new URL("../docs/guides/operating.md", import.meta.url), "utf8");

/** Code and meaning of each row of the table in one section. */
function rowsOf(section: string): [string, string][] {
  const text = page.split(/^## /m).find((part) => part.startsWith(`${section}\n`)) ?? "";
  return [...text.matchAll(/^\| `([A-Z_]+)` \| ([^|]+) \|/gm)].map(([, code = "", about = ""]) => [
    code,
    about,
  ]);
}

it("docs/guides/operating.md explains every finding of fsck, and no other", () => {
  expect(rowsOf("fsck").sort()).toEqual(Object.entries(FINDING_CODES).sort());
});

it("docs/guides/operating.md explains every advice of doctor, and no other", () => {
  expect(rowsOf("doctor").sort()).toEqual(Object.entries(ADVICE_CODES).sort());
});
