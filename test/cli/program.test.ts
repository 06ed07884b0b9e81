import { describe, expect, it } from "vitest";
import manifest from "../../package.json" with { type: "json" };
import { runProgram } from "../support/running-program.ts";
import { installationForFile } from "./installation.ts";

const installation = await installationForFile();
const directory = installation.project({});

const titanqueue = (...words: string[]) => runProgram([installation.bin, ...words], { cwd: directory }).ended;

describe("titanqueue", () => {
  it("tells its version, alone and with what it runs on", async () => {
    expect(await titanqueue("--version")).toEqual({ code: 0, said: `${manifest.version}\n` });
    expect(await titanqueue("version")).toEqual({
      code: 0,
      said: `titanqueue ${manifest.version} on Node.js ${process.versions.node}\n`,
    });
  });

  it("lists its commands when asked", async () => {
    const { code, said } = await titanqueue("--help");
    expect(code).toBe(0);
    for (const command of ["dev", "worker", "init", "version"])
      expect(said).toMatch(new RegExp(`^ {2}${command} `, "m"));
    expect((await titanqueue("help", "worker")).said).toContain("--health-port <port>");
  });

  it.each([
    ["no command", [], /^Usage: titanqueue/],
    ["a slip of the pen", ["worke"], /unknown command 'worke'\n\(Did you mean worker\?\)/],
    ["a word too many", ["version", "2"], /too many arguments/],
  ])("ends with 2 for %s", async (_, words, says) => {
    const { code, said } = await titanqueue(...words);
    expect(said).toMatch(says);
    expect(code).toBe(2);
  });
});
