import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterEach, beforeEach, expect, it } from "vitest";
import { pageAt, readStaticFiles } from "../../src/monitor/static-files.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "titanqueue-pages-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

it("keeps what is there, compressed where that is smaller", () => {
  mkdirSync(join(directory, "assets"));
  writeFileSync(join(directory, "assets", "a-1.js"), "let a = 1;".repeat(100));
  writeFileSync(join(directory, "icon.svg"), "<svg/>");
  const files = readStaticFiles(directory);
  expect([...files.keys()].sort()).toEqual(["assets/a-1.js", "icon.svg"]);
  const script = files.get("assets/a-1.js");
  expect(script).toMatchObject({ type: "text/javascript; charset=utf-8", lasting: true });
  expect(gunzipSync(script?.gzip ?? "").toString()).toBe("let a = 1;".repeat(100));
  expect(files.get("icon.svg")).toMatchObject({ gzip: undefined, lasting: false });
});

it("leads each page to its files, however deep it is", () => {
  writeFileSync(join(directory, "index.html"), '<script src="./assets/a.js"></script><a href="./x">');
  const files = readStaticFiles(directory);
  expect(pageAt("/", files)).toContain('src="./assets/a.js"');
  expect(pageAt("/queues/low", files)).toBe('<script src="../assets/a.js"></script><a href="../x">');
});

it("says what is missing where nothing was built", () => {
  expect(pageAt("/", readStaticFiles(join(directory, "none")))).toContain("without the monitor's front end");
});
