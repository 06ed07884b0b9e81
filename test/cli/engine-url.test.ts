import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findPlace } from "../../src/cli/engine-url.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "tq-url-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const find = (given?: string, env: Readonly<Record<string, string>> = {}) =>
  findPlace(given, { directory, home: join(directory, "home"), env, windows: false });

describe("an operator's command", () => {
  it("looks at the Redis of this machine where nothing else is said", () => {
    const url = "redis://127.0.0.1:6379";
    expect(find()).toEqual({ url, shown: url, source: "the default", warnings: [] });
    expect(find(undefined, { TITANQUEUE_URL: "" })).toMatchObject({ url });
  });

  it("looks where --url says, else TITANQUEUE_URL, else a config file", () => {
    const file = join(directory, "titanqueue.config.json");
    writeFileSync(file, '{"url":"sqlite:file.db"}', { mode: 0o600 });
    const env = { TITANQUEUE_URL: "sqlite:env.db" };
    expect(find("sqlite:given.db", env)).toMatchObject({ url: "sqlite:given.db", source: "--url" });
    expect(find(undefined, env)).toMatchObject({ url: "sqlite:env.db", source: "TITANQUEUE_URL" });
    expect(find()).toMatchObject({ url: "sqlite:file.db", source: file });
    writeFileSync(file, "{}");
    expect(find()).toMatchObject({ source: "the default" });
  });
});
