import { createEngine } from "titanqueue";
import { type ConfigPlaces, findConfig, thesePlaces } from "./config-file.ts";
import { Refusal } from "./ending.ts";
import { shownUrl } from "./shown-url.ts";

/**
 * The URL of a command that runs tasks: `--url`, else TITANQUEUE_URL, else `fallback`. From then on it is
 * TITANQUEUE_URL, so that a client which the worker file makes without a URL is on the same engine.
 *
 * @throws {@link EngineUrlInvalidError} it cannot be understood.
 */
export function chooseUrl(given: string | undefined, fallback?: string): string {
  const url = given ?? (process.env["TITANQUEUE_URL"] || fallback);
  if (url === undefined) {
    throw new Refusal(
      "no engine: set TITANQUEUE_URL (or pass --url), for example to redis://127.0.0.1:6379 or sqlite:tasks.db",
    );
  }
  // Opens nothing; refuses a URL that is none before anything begins.
  createEngine(url);
  process.env["TITANQUEUE_URL"] = url;
  return url;
}

/** Where an operator's command finds the tasks. */
export interface Place {
  readonly url: string;
  /** The URL for people to read. */
  readonly shown: string;
  /** Who named it, for the message when nobody answers there. */
  readonly source: string;
  /** What the operator should know about how the password is kept. */
  readonly warnings: readonly PlaceWarning[];
}

export interface PlaceWarning {
  readonly code: "PASSWORD_IN_ARGV" | "CONFIG_READABLE_BY_OTHERS";
  readonly message: string;
}

const DEFAULT_URL = "redis://127.0.0.1:6379";

/**
 * The URL of an operator's command: `--url`, else TITANQUEUE_URL, else a config file, else the Redis of this machine.
 *
 * @throws {@link EngineUrlInvalidError} it cannot be understood.
 * @throws {@link Refusal} the config file cannot be understood.
 */
export function findPlace(given: string | undefined, places: ConfigPlaces = thesePlaces()): Place {
  const place = choosePlace(given, places);
  createEngine(place.url);
  return place;
}

function choosePlace(given: string | undefined, places: ConfigPlaces): Place {
  if (given !== undefined) {
    return placeOf(given, "--url", hasPassword(given) ? [PASSWORD_IN_ARGV] : []);
  }
  const fromEnvironment = places.env["TITANQUEUE_URL"] || undefined;
  if (fromEnvironment !== undefined) return placeOf(fromEnvironment, "TITANQUEUE_URL");
  const config = findConfig(places);
  if (config?.url === undefined) return placeOf(DEFAULT_URL, "the default");
  const { url, file, readableByOthers } = config;
  return placeOf(url, file, readableByOthers && hasPassword(url) ? [readable(file)] : []);
}

function placeOf(url: string, source: string, warnings: readonly PlaceWarning[] = []): Place {
  return { url, shown: shownUrl(url), source, warnings };
}

const PASSWORD_IN_ARGV: PlaceWarning = {
  code: "PASSWORD_IN_ARGV",
  message:
    "everybody on this machine can read the password in --url (ps shows it): set TITANQUEUE_URL or use a config file",
};

function readable(file: string): PlaceWarning {
  return {
    code: "CONFIG_READABLE_BY_OTHERS",
    message: `others can read the password in ${file}: chmod 600 it`,
  };
}

function hasPassword(url: string): boolean {
  const [, authority = "", rest = ""] = /^[^:]+:\/\/([^/?#]*)(.*)/s.exec(url) ?? [];
  return /:[^@]*@/.test(authority) || /[?&]password=[^&]/.test(rest);
}
