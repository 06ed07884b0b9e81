/**
 * `gen-differences.ts [--check]`: writes `docs/differences.md` from the tables by which the tests beside Go tell an
 * intended difference from a defect. With `--check` it fails when the page is stale.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { DIFFERENCES } from "../test/interop/differential/differences.ts";

const PAGE = fileURLToPath(new URL("../docs/differences.md", import.meta.url));

const rows = DIFFERENCES.map(({ rule, asynq, why, ops }) => {
  const [, section = "", ours = ""] = /^([\d.]+): (.*)$/.exec(rule) ?? [];
  return { section, cells: [section, ours, asynq, why, ops.map((op) => `\`${op}\``).join(" ")] };
}).sort((a, b) => a.section.localeCompare(b.section, "en", { numeric: true }));

const page = `# Where TitanQueue differs from asynq on purpose

\`make interop\` puts the same random calls through asynq v0.26.0 and through TitanQueue, and compares all of Redis and every
answer after each. This is everything in which the two may differ; anything else fails the run, and so does a row that never
applied. Rows that need damaged data, a late worker or a very long archive are tried one by one, in asynq too. The rows are the
tables in \`test/interop/differential/\`, from which \`npm run gen\` writes this page.

A Go process cannot tell these differences, or meets a state that it handles anyway. Sections are those of [protocol.md](protocol.md);
its section 15 also lists what is no matter of single calls: timings, waking, shutdown, limits.

| section | TitanQueue | asynq | why | seen after |
|---|---|---|---|---|
${rows.map(({ cells }) => `| ${cells.join(" | ")} |`).join("\n")}
`;

if (!existsSync(PAGE) || readFileSync(PAGE, "utf8") !== page) {
  if (process.argv.includes("--check")) {
    process.stderr.write("docs/differences.md is stale: run `npm run gen` and commit it\n");
    process.exitCode = 1;
  } else writeFileSync(PAGE, page);
}
