import { expect, it } from "vitest";
import { checkHtml, checkSource, firstLoad } from "../../scripts/check-ui.ts";

const GOOD = `<!doctype html><html><head><link rel="icon" href="./icon.svg">
<script type="module" crossorigin src="./assets/a.js"></script></head><body></body></html>`;

it.each([
  ["<script>1</script>", "a script of its own"],
  ["<style>a{}</style>", "a style of its own"],
  ['<p style="color:red">', "a style attribute"],
  ['<p onclick="x()">', "a handler"],
  ['<base href="/">', "a base"],
  ['<img src="https://example.com/x.png">', "other than ./"],
  ['<link href="/assets/x.css">', "other than ./"],
])("refuses a page with %s", (part, complaint) => {
  expect(checkHtml(GOOD)).toEqual([]);
  expect(checkHtml(GOOD + part).join()).toContain(complaint);
});

it.each([
  "element.innerHTML = text;",
  "<p dangerouslySetInnerHTML={{ __html: text }} />",
  'fetch("https://example.com/");',
  'import { Inspector } from "../../../src/inspector/inspector.ts";',
])("refuses the source %s", (line) => {
  expect(checkSource("x.ts", line)).toHaveLength(1);
});

it("lets the front end have the types of api.ts", () => {
  expect(checkSource("types.ts", 'export type * from "../../../src/monitor/api.ts";')).toEqual([]);
});

it("follows what the first script loads, its charts with it, and not what it may load later", () => {
  const scripts = new Map([
    ["a.js", 'import{x}from"./b.js";import"./c.js";const y=()=>import("./d.js");'],
    ["b.js", 'import"./a.js"'],
    ["c.js", ""],
    ["d.js", ""],
    ["plot-1a.js", ""],
  ]);
  expect(firstLoad({ html: GOOD, scripts })).toEqual(["a.js", "b.js", "c.js", "plot-1a.js"]);
});
