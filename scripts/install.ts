import { execFile } from "node:child_process";
import { accessSync, constants, existsSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";

/** What the search looks at; the default is this machine. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly isRoot: boolean;
  /** Debian asks this file whether an installed service may start. */
  readonly policyFile: string;
  readonly say: (text: string) => void;
}

const APT_DEADLINE = 300_000;

export const thisMachine: Surroundings = {
  env: process.env,
  isRoot: process.getuid?.() === 0,
  policyFile: "/usr/sbin/policy-rc.d",
  say: (text) => console.error(text),
};

/**
 * `apt-get install`, as root, unless `TITANQUEUE_TEST_NO_INSTALL=1`; services are not started. Tells whether it was tried:
 * whoever calls it looks for the program afterwards.
 */
export async function installByApt(
  name: string,
  { env, isRoot, policyFile, say }: Surroundings,
): Promise<boolean> {
  if (!isRoot || env["TITANQUEUE_TEST_NO_INSTALL"] === "1" || onPath("apt-get", env) === undefined)
    return false;
  say(
    `No ${name} found. Installing it: apt-get update && apt-get install ${name}\n` +
      "(no service is started; TITANQUEUE_TEST_NO_INSTALL=1 refuses this)",
  );
  const apt = (...args: string[]) =>
    succeeds("apt-get", args, { ...env, DEBIAN_FRONTEND: "noninteractive" }, APT_DEADLINE);
  const forbidsServices = !existsSync(policyFile);
  if (forbidsServices) writeFileSync(policyFile, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  try {
    await apt("update");
    if (!(await apt("install", "--yes", "--no-install-recommends", name))) {
      say(`apt-get could not install ${name}`);
    }
  } finally {
    if (forbidsServices) rmSync(policyFile);
  }
  return true;
}

/** Where `program` is, on the PATH of `env`. */
export function onPath(program: string, env: Surroundings["env"]): string | undefined {
  const directories = (env["PATH"] ?? "").split(delimiter).filter((directory) => directory !== "");
  return directories.map((directory) => join(directory, program)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export async function succeeds(
  program: string,
  args: readonly string[],
  env: Surroundings["env"],
  timeout: number,
): Promise<boolean> {
  if (timeout <= 0) return false;
  try {
    await promisify(execFile)(program, args, { env, timeout: Math.ceil(timeout), maxBuffer: 2 ** 26 });
    return true;
  } catch {
    return false;
  }
}
