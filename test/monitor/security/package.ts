import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import manifest from "../../../package.json" with { type: "json" };
import lock from "../../../package-lock.json" with { type: "json" };
import { createEngine, EngineUrlInvalidError } from "../../../src/index.ts";
import { MonitorRig } from "../monitor-rig.ts";
import { type Requirements, raw, sources } from "./people.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));

/** Whatever a user of the package installs beside it. */
const RUNTIME = [
  "@hono/node-server",
  "@standard-schema/spec",
  "cli-table3",
  "commander",
  "croner",
  "hono",
  "ioredis",
  "picocolors",
  "string-width",
];
const LICENCES = ["MIT", "ISC", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0"];
const PACKED = [
  /^(?:CHANGELOG\.md|LICENSE|README\.md|package\.json)$/,
  /^dist\/(?:[\w-]+\.(?:[cm]js|d\.[cm]ts)|cli\/[\w-]+\.mjs)(?:\.map)?$/,
  /^dist\/ui\/(?:index\.html|[\w.-]+\.(?:svg|png|ico|txt|webmanifest)|assets\/[\w.-]+\.(?:js|css|svg|png|woff2))$/,
  /^examples\/starter\/[\w.-]+$/,
];

interface Locked {
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly peer?: boolean;
  readonly hasInstallScript?: boolean;
  readonly license?: string;
  readonly integrity?: string;
}

/** What is installed with the package: neither for its development, nor at the user's wish. */
const installed = Object.entries(lock.packages as Readonly<Record<string, Locked>>).filter(
  ([path, { dev, optional, peer }]) => path !== "" && !dev && !optional && !peer,
);

function filesBelow(directory: string): string[] {
  return readdirSync(join(root, directory), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts"))
    .map((path) => join(root, directory, path));
}

export const PACKAGE: Requirements = {
  "S18 nobody makes it ask elsewhere": {
    "it asks nobody over HTTP": async () => {
      for (const text of sources()) {
        expect(text).not.toMatch(
          /\bfetch\((?!request|_|message)|\bhttps?\.(?:request|get)\(|node:https|undici|axios/,
        );
      }
    },
    "and is no proxy": async () => {
      const rig = await MonitorRig.start();
      for (const target of ["http://169.254.169.254/latest/meta-data/", "http://evil.example/"]) {
        const answer = await raw(
          rig,
          `GET ${target} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n`,
        );
        expect(answer).toMatch(/^HTTP\/1\.1 421 /);
      }
      const tunnel = await raw(rig, "CONNECT 169.254.169.254:80 HTTP/1.1\r\nHost: localhost\r\n\r\n");
      expect(tunnel).not.toMatch(/^HTTP\/1\.1 2/);
    },
    "an engine is one that we know, by a URL of the configuration": async () => {
      for (const url of [
        "http://169.254.169.254/",
        "https://example.com/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_x",
        "ftp://example.com/",
        "javascript:alert(1)",
      ]) {
        expect(() => createEngine(url), url).toThrow(EngineUrlInvalidError);
      }
    },
  },
  "S19 names go through as they are, or not at all": {
    "scripts are constant text": async () => {
      for (const file of filesBelow("src/engine/redis")) {
        const text = readFileSync(file, "utf8");
        expect([file, /EVAL(?:SHA)?",\s*\[?\s*`|eval\(\s*`/.test(text)]).toEqual([file, false]);
      }
    },
    "halves of characters and blanks are refused": async () => {
      const rig = await MonitorRig.start();
      for (const [queue, taskId] of [
        ["\ud800", "a"],
        ["a", "\udfff"],
        ["", "a"],
        [" ", "a"],
        ["a", " "],
      ]) {
        const body = { type: "a", payload: { kind: "none", text: "" }, options: { queue, taskId } };
        const { status, json } = await rig.change("/api/tasks", { body });
        expect([queue, taskId, status, json.error.code]).toEqual([queue, taskId, 400, "INVALID_OPTION"]);
      }
      expect((await rig.send("/api/queues")).json.queues).toEqual([]);
    },
  },
  "S30 what is installed is known": {
    "few packages, at exact versions, of which none runs anything": async () => {
      expect(Object.keys(manifest.dependencies)).toEqual(RUNTIME);
      for (const version of Object.values(manifest.dependencies)) expect(version).toMatch(/^\d+\.\d+\.\d+$/);
      expect(installed.length).toBeGreaterThan(RUNTIME.length);
      expect(installed.length).toBeLessThan(40);
      expect(installed.filter(([, { hasInstallScript }]) => hasInstallScript)).toEqual([]);
      expect(installed.filter(([, { integrity }]) => !integrity?.startsWith("sha512-"))).toEqual([]);
      for (const name of Object.keys(manifest.scripts))
        expect(name).not.toMatch(/install|prepare|prepack|publish/);
      for (const meta of Object.values(manifest.peerDependenciesMeta))
        expect(meta).toEqual({ optional: true });
    },
    "under licences that ask for nothing but their text": async () => {
      const others = installed.filter(([, { license }]) => !LICENCES.includes(license ?? ""));
      expect(others.map(([path, { license }]) => [path, license])).toEqual([]);
    },
    "and what is packed, too": async () => {
      const report = execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], {
        cwd: root,
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
      });
      const [{ files }] = JSON.parse(report) as [{ files: readonly { readonly path: string }[] }];
      const unknown = files.filter(({ path }) => !PACKED.some((pattern) => pattern.test(path)));
      expect(unknown).toEqual([]);
      for (const { path } of files) {
        if (!existsSync(join(root, path)) || !/\.(?:[cm]?js|json|md|html)$/.test(path)) continue;
        // A secret of whoever builds.
        expect([
          path,
          /-----BEGIN [A-Z ]*PRIVATE KEY|npm_[A-Za-z0-9]{36}/.test(readFileSync(join(root, path), "utf8")),
        ]).toEqual([path, false]);
      }
    },
  },
};
