import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findRedis } from "../../scripts/find-redis.ts";
import type { Surroundings } from "../../scripts/install.ts";

let bin: string;
let said: string[];

beforeEach(() => {
  bin = mkdtempSync(join(tmpdir(), "tq-path-"));
  said = [];
});
afterEach(() => rmSync(bin, { recursive: true }));

/** Puts a shell script on the PATH; each call of it is noted in `calls`. */
function program(name: string, body = "exit 0"): string {
  const path = join(bin, name);
  writeFileSync(path, `#!/bin/sh\necho "${name} $*" >> ${bin}/calls\n${body}\n`, { mode: 0o755 });
  return path;
}

function calls(): string[] {
  return existsSync(join(bin, "calls")) ? readFileSync(join(bin, "calls"), "utf8").trim().split("\n") : [];
}

function find(change: Partial<Surroundings> = {}, env: Record<string, string> = {}) {
  const surroundings: Surroundings = {
    env: { PATH: bin, ...env },
    isRoot: true,
    policyFile: join(bin, "policy-rc.d"),
    say: (text) => said.push(text),
    ...change,
  };
  return findRedis(surroundings);
}

const URL = "redis://db.example:6379";

/** An apt-get that puts a redis-server in place, but only where services may not start. */
const aptThatInstalls = () =>
  program(
    "apt-get",
    `[ "$1" = install ] && [ -x ${bin}/policy-rc.d ] && : > ${bin}/redis-server && PATH=/bin:/usr/bin chmod +x ${bin}/redis-server; exit 0`,
  );

describe("findRedis", () => {
  it("takes the given server, and the program beside it for suites that need their own", async () => {
    expect(await find({}, { TITANQUEUE_TEST_REDIS_URL: URL })).toEqual({ url: URL });
    const path = program("redis-server");
    expect(await find({}, { TITANQUEUE_TEST_REDIS_URL: URL })).toEqual({
      url: URL,
      server: { kind: "program", path },
    });
  });

  it("installs nothing when a server was given", async () => {
    program("docker");
    aptThatInstalls();
    await find({}, { TITANQUEUE_TEST_REDIS_URL: URL });
    expect(calls()).toEqual([]);
  });

  it("prefers redis-server to valkey-server, and both to Docker", async () => {
    program("docker");
    const valkey = program("valkey-server");
    expect(await find()).toEqual({ server: { kind: "program", path: valkey } });
    const redis = program("redis-server");
    expect(await find()).toEqual({ server: { kind: "program", path: redis } });
    expect(calls()).toEqual([]);
  });

  it("uses Docker with an image that is there, without asking a registry", async () => {
    program("docker");
    expect(await find()).toMatchObject({ server: { kind: "image" } });
    expect(calls().some((call) => call.startsWith("docker pull"))).toBe(false);
  });

  it("pulls a missing image, and says so", async () => {
    program("docker", '[ "$1" != image ]');
    expect(await find()).toMatchObject({ server: { kind: "image" } });
    expect(said.join()).toContain("docker pull");
  });

  it("passes by a Docker whose daemon does not answer", async () => {
    program("docker", "exit 1");
    aptThatInstalls();
    expect(await find()).toEqual({ server: { kind: "program", path: join(bin, "redis-server") } });
  });

  it("installs by apt-get as root, says it first, starts no service and leaves no policy behind", async () => {
    aptThatInstalls();
    await find();
    expect(calls()).toEqual(["apt-get update", "apt-get install --yes --no-install-recommends redis-server"]);
    expect(said[0]).toContain("apt-get install redis-server");
    expect(existsSync(join(bin, "policy-rc.d"))).toBe(false);
  });

  it("leaves a policy alone that was there before", async () => {
    program("policy-rc.d");
    aptThatInstalls();
    await find();
    expect(existsSync(join(bin, "policy-rc.d"))).toBe(true);
  });

  it.each([
    ["with TITANQUEUE_TEST_NO_INSTALL=1", {}, { TITANQUEUE_TEST_NO_INSTALL: "1" }],
    ["as somebody else than root", { isRoot: false }, {}],
  ])("installs nothing %s, and names the choices", async (_when, change, env) => {
    aptThatInstalls();
    await expect(find(change, env)).rejects.toThrow(
      /redis-server or valkey-server.*Docker.*TITANQUEUE_TEST_REDIS_URL/s,
    );
    expect(calls()).toEqual([]);
  });

  it("names the choices when apt-get fails", async () => {
    program("apt-get", "exit 1");
    await expect(find()).rejects.toThrow("found none");
    expect(said.at(-1)).toContain("could not install");
  });
});
