import { EngineUrlInvalidError } from "../../errors.ts";
import type { Synchronous } from "./connection.ts";

export interface SqliteLocation {
  /** Relative to the working directory, or absolute. */
  readonly file: string;
  readonly synchronous: Synchronous | undefined;
}

const FORMS = "sqlite:tasks.db, sqlite:./data/tasks.db or sqlite:///var/lib/app/tasks.db";

/**
 * Understands `sqlite:` URLs: `sqlite:rel`, `sqlite:./rel`, `sqlite:/abs` and `sqlite:///abs`, with
 * `?synchronous=full`. Special characters of a path (`%`, `?`, `#`) are written `%xx`.
 *
 * @throws EngineUrlInvalidError
 */
export function parseSqliteUrl(url: string): SqliteLocation {
  const [, rest = "", query = ""] = /^sqlite:([^?]*)(?:\?(.*))?$/is.exec(url) ?? [];
  if (rest === ":memory:") {
    throw new EngineUrlInvalidError(
      "sqlite: URL: the engine is for files; memory: keeps tasks in the process",
    );
  }
  if (/^\/\/[^/]/.test(rest)) {
    throw new EngineUrlInvalidError(`sqlite: URL: a file lies on no host; expected ${FORMS}`);
  }
  const file = decode(rest.replace(/^\/\/(?=\/.)|^\/\/\/$/, ""));
  if (file === "") throw new EngineUrlInvalidError(`sqlite: URL: the file is missing; expected ${FORMS}`);
  return { file, synchronous: synchronousOf(query) };
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw new EngineUrlInvalidError("sqlite: URL: the path is not percent-encoded; write % as %25");
  }
}

function synchronousOf(query: string): Synchronous | undefined {
  let found: Synchronous | undefined;
  for (const [name, value] of new URLSearchParams(query)) {
    if (name !== "synchronous" || (value !== "normal" && value !== "full")) {
      throw new EngineUrlInvalidError(
        "sqlite: URL: the only parameter is synchronous, which is normal or full",
      );
    }
    found = value;
  }
  return found;
}
