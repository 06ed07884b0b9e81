/**
 * `gen-readme.ts [--check]`: writes into README.md, the guides and the page for asynq's users what comes from elsewhere, between `<!-- name -->` and
 * `<!-- end -->`: programs from `examples/`, figures from `bench/results/latest.json`. With `--check` it fails when one
 * of them is stale.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Report, summary } from "../bench/report.ts";
import type { Store } from "../bench/systems/system.ts";

const here = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const GUIDES = readdirSync(here("docs/guides")).filter((name) => name.endsWith(".md"));

for (const document of [
  "README.md",
  "docs/coming-from-asynq.md",
  ...GUIDES.map((name) => `docs/guides/${name}`),
]) {
  const before = readFileSync(here(document), "utf8");
  const after = before.replace(
    /<!-- (?!end)(\S+) -->\n[\s\S]*?<!-- end -->/g,
    (_, name: string) => `<!-- ${name} -->\n${contentOf(name)}\n<!-- end -->`,
  );
  if (before === after) continue;
  if (process.argv.includes("--check")) {
    process.stderr.write(`${document} is stale: run \`npm run gen\` and commit it\n`);
    process.exitCode = 1;
  } else writeFileSync(here(document), after);
}

function contentOf(name: string): string {
  if (name === "bench") return figures("redis");
  if (name === "bench-sqlite") return figures("sqlite");
  const language = /\.[cm]?ts$/.test(name) ? "ts" : "js";
  return `\`\`\`${language}\n${readFileSync(here(name), "utf8").trimEnd()}\n\`\`\``;
}

function figures(store: Store): string {
  const results = here("bench/results/latest.json");
  if (!existsSync(results)) return "No figures have been committed yet.";
  return summary(JSON.parse(readFileSync(results, "utf8")) as Report, store);
}
