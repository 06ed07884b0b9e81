import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findConfig } from "../../src/cli/config-file.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "tq-config-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(path: string, text: string, mode = 0o600): string {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  chmodSync(file, mode);
  return file;
}

const find = (env: Readonly<Record<string, string>> = {}, windows = false) =>
  findConfig({ directory: join(root, "work"), home: join(root, "home"), env, windows });

describe("the config file", () => {
  it("is not needed", () => {
    expect(find()).toBeUndefined();
  });

  it("is the one in the working directory, else the user's", () => {
    const users = write("home/.config/titanqueue/config.json", '{"url":"redis://users"}');
    expect(find()).toEqual({ url: "redis://users", file: users, readableByOthers: false });
    const here = write("work/titanqueue.config.json", '{"url":"redis://here"}');
    expect(find()).toMatchObject({ url: "redis://here", file: here });
  });

  it("lies where the platform keeps such files", () => {
    write("xdg/titanqueue/config.json", '{"url":"redis://xdg"}');
    write("roaming/titanqueue/config.json", '{"url":"redis://windows"}');
    expect(find({ XDG_CONFIG_HOME: join(root, "xdg") })?.url).toBe("redis://xdg");
    expect(find({ APPDATA: join(root, "roaming") }, true)?.url).toBe("redis://windows");
  });

  it("tells when others may read it, where that can be told", () => {
    write("work/titanqueue.config.json", "{}", 0o644);
    expect(find()?.readableByOthers).toBe(true);
    expect(find({}, true)?.readableByOthers).toBe(false);
  });

  it.each([
    ["no JSON", '{"url": "redis://:s3cret@host"', /it is not JSON/],
    ["a list", "[]", /expected an object/],
    [
      "a slip of the pen",
      '{"ulr": "redis://:s3cret@host"}',
      /nothing is called "ulr" there \(did you mean "url"\?\)/,
    ],
    ["a number for the URL", '{"url": 6379}', /url: expected text/],
    ["nothing for the URL", '{"url": ""}', /url: expected text/],
  ])("is refused with %s, and never shown", (_, text, problem) => {
    const file = write("work/titanqueue.config.json", text);
    expect(() => find()).toThrow(problem);
    expect(() => find()).toThrow(file);
    expect(() => find()).not.toThrow(/s3cret/);
  });
});
