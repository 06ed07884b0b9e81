import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { suggestion } from "../suggestion.ts";
import { Refusal } from "./ending.ts";
import { statOf } from "./stat-of.ts";

/** What `titanqueue.config.json` may say. */
export interface Config {
  readonly url?: string;
}

export interface FoundConfig extends Config {
  readonly file: string;
  /** Others than its owner may read it. Always false on Windows, where this cannot be told. */
  readonly readableByOthers: boolean;
}

/** What of the surroundings decides where the files lie, and what is configured without one. */
export interface ConfigPlaces {
  readonly directory: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly windows: boolean;
}

const KEYS = ["url"] as const;

/** The config file in the working directory, else the one of the user. `undefined`: there is neither. */
export function findConfig(places: ConfigPlaces): FoundConfig | undefined {
  for (const file of [join(places.directory, "titanqueue.config.json"), userConfig(places)]) {
    const there = statOf(file);
    if (there === undefined) continue;
    return { ...read(file), file, readableByOthers: !places.windows && (there.mode & 0o077) !== 0 };
  }
  return undefined;
}

export function thesePlaces(): ConfigPlaces {
  return {
    directory: process.cwd(),
    env: process.env,
    home: homedir(),
    windows: process.platform === "win32",
  };
}

function userConfig({ env, home, windows }: ConfigPlaces): string {
  const base = windows
    ? env["APPDATA"] || join(home, "AppData", "Roaming")
    : env["XDG_CONFIG_HOME"] || join(home, ".config");
  return resolve(base, "titanqueue", "config.json");
}

/** Messages never hold what the file says: it may be a password. */
function read(file: string): Config {
  let config: unknown;
  try {
    config = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    const why = error instanceof SyntaxError ? "it is not JSON" : (error as Error).message;
    throw new Refusal(`${file}: ${why}`);
  }
  if (typeof config !== "object" || config === null || Array.isArray(config)) {
    throw new Refusal(`${file}: expected an object such as { "url": "redis://127.0.0.1:6379" }`);
  }
  for (const key of Object.keys(config)) {
    if (!(KEYS as readonly string[]).includes(key)) {
      throw new Refusal(`${file}: nothing is called ${JSON.stringify(key)} there${suggestion(key, KEYS)}`);
    }
  }
  const { url } = config as { readonly url?: unknown };
  if (url === undefined) return {};
  if (typeof url !== "string" || url === "")
    throw new Refusal(`${file}: url: expected text that is not empty`);
  return { url };
}
