import { describe, expect, it } from "vitest";
import { parseSqliteUrl } from "../../../src/engine/sqlite/sqlite-url.ts";
import { EngineUrlInvalidError } from "../../../src/errors.ts";

describe("a sqlite: URL", () => {
  it.each([
    ["sqlite:tasks.db", "tasks.db"],
    ["sqlite:./data/tasks.db", "./data/tasks.db"],
    ["sqlite:../tasks.db", "../tasks.db"],
    ["sqlite:/var/tasks.db", "/var/tasks.db"],
    ["sqlite:///var/tasks.db", "/var/tasks.db"],
    ["SQLite:tasks.db", "tasks.db"],
    ["sqlite:my%20tasks%3F.db", "my tasks?.db"],
  ])("%s means the file %s", (url, file) => {
    expect(parseSqliteUrl(url)).toEqual({ file, synchronous: undefined });
  });

  it.each(["normal", "full"] as const)("says how much a power cut may cost: %s", (synchronous) => {
    expect(parseSqliteUrl(`sqlite:a.db?synchronous=${synchronous}`)).toEqual({ file: "a.db", synchronous });
  });

  it.each([
    ["sqlite:", "the file is missing"],
    ["sqlite:///", "the file is missing"],
    ["sqlite:?synchronous=full", "the file is missing"],
    ["sqlite::memory:", "memory: keeps tasks in the process"],
    ["sqlite://host/tasks.db", "a file lies on no host"],
    ["sqlite://tasks.db", "a file lies on no host"],
    ["sqlite:a%zz.db", "write % as %25"],
    ["sqlite:a.db?synchronous=off", "which is normal or full"],
    ["sqlite:a.db?mode=ro", "the only parameter is synchronous"],
  ])("%s is refused", (url, text) => {
    expect(() => parseSqliteUrl(url)).toThrow(EngineUrlInvalidError);
    expect(() => parseSqliteUrl(url)).toThrow(text);
  });
});
