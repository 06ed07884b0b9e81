import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import manifest from "../../package.json" with { type: "json" };
import { runProgram } from "../support/running-program.ts";
import { installationForFile } from "./installation.ts";

const installation = await installationForFile();

const WRITTEN = [
  ".gitignore",
  "README.md",
  "enqueue.ts",
  "package.json",
  "tasks.ts",
  "tsconfig.json",
  "worker.ts",
];

function init(directory: string, ...words: string[]) {
  return runProgram([installation.bin, "init", ...words], { cwd: directory }).ended;
}

describe("titanqueue init", () => {
  it("writes a project of that name, and says how to go on", async () => {
    const directory = installation.project({});
    const { code, said } = await init(directory, "My Työkalu");
    expect(said).toContain('next: cd "My Työkalu" && npm install && npm run dev\n');
    expect(code).toBe(0);
    expect(readdirSync(join(directory, "My Työkalu")).sort()).toEqual(WRITTEN);
    const written = JSON.parse(readFileSync(join(directory, "My Työkalu/package.json"), "utf8"));
    expect(written).toMatchObject({ name: "my-ty-kalu", private: true, type: "module" });
    expect(written.dependencies.titanqueue).toBe(`^${manifest.version}`);
  });

  it("asks for the versions that it is tested with", async () => {
    const directory = installation.project({});
    await init(directory, "new");
    const written = JSON.parse(readFileSync(join(directory, "new/package.json"), "utf8"));
    const { titanqueue: _, ...asked } = { ...written.dependencies, ...written.devDependencies };
    const tested: Readonly<Record<string, string>> = manifest.devDependencies;
    for (const [name, range] of Object.entries(asked)) expect(range).toBe(`^${tested[name]?.split(".")[0]}`);
  });

  it("overwrites nothing: where one file is in the way, it writes none", async () => {
    const directory = installation.project({});
    mkdirSync(join(directory, "mine"));
    writeFileSync(join(directory, "mine/worker.ts"), "// mine");
    const { code, said } = await init(directory, "mine");
    expect(said).toMatch(
      /^titanqueue: worker\.ts is there already, and nothing is overwritten; name another/,
    );
    expect(code).toBe(2);
    expect(readdirSync(join(directory, "mine"))).toEqual(["worker.ts"]);
    expect(readFileSync(join(directory, "mine/worker.ts"), "utf8")).toBe("// mine");
  });

  it("does so where it stands, when it is told no directory", async () => {
    const directory = installation.project({});
    const { code, said } = await init(directory);
    expect(said).toContain("package.json, tsconfig.json are there already");
    expect(code).toBe(2);
  });

  it("refuses what is a file, and tells of a disk that it cannot write to", async () => {
    const directory = installation.project({ "a.txt": "" });
    expect(await init(directory, "a.txt")).toEqual({
      code: 2,
      said: "titanqueue: a.txt is a file; name a directory\n",
    });
    const { code, said } = await init(directory, "a.txt/inside");
    expect(said).toMatch(/^titanqueue: cannot write the project: ENOTDIR/);
    expect(code).toBe(1);
  });
});
