import { type FSWatcher, watch } from "node:fs";
import { dirname, extname, join } from "node:path";
import type { Clock } from "titanqueue";
import { EXTENSIONS } from "./extensions.ts";
import { type SignedFile, sign } from "./file-signature.ts";

/** How long, in milliseconds, nothing must have happened: editors write a file in several steps. */
const QUIET = 50;

/** Tells when one of some files is no longer what it was when it was loaded. */
export class WatchedFiles {
  /** Resolves with the path of a file that has changed; once. */
  readonly changed: Promise<string>;
  readonly #clock: Clock;
  readonly #onBlind: (directory: string, error: Error) => void;
  readonly #signatures = new Map<string, string>();
  /** Directories are watched: an editor that replaces a file ends the watch of the file itself. */
  readonly #directories = new Map<string, FSWatcher>();
  #newFiles = false;
  #tell: (path: string) => void = () => undefined;
  #rest: (() => void) | undefined;

  /** @param onBlind - the system does not let us watch a directory; changes in it are not seen */
  constructor(clock: Clock, onBlind: (directory: string, error: Error) => void) {
    this.#clock = clock;
    this.#onBlind = onBlind;
    this.changed = new Promise((resolve) => {
      this.#tell = resolve;
    });
  }

  add({ path, signature }: SignedFile): void {
    if (this.#signatures.has(path)) return;
    this.#signatures.set(path, signature);
    this.#watch(dirname(path));
    // It may have changed between its load and our watch.
    this.#look(path);
  }

  /** From now on a program beside these files counts, too: what was missing may be created. */
  addNewFiles(): void {
    this.#newFiles = true;
  }

  close(): void {
    this.#rest?.();
    for (const watcher of this.#directories.values()) watcher.close();
  }

  #watch(directory: string): void {
    if (this.#directories.has(directory)) return;
    try {
      const watcher = watch(directory, (_, name) => {
        if (name === null) for (const path of this.#signatures.keys()) this.#look(path);
        else this.#look(join(directory, name));
      });
      watcher.on("error", (error) => this.#onBlind(directory, error));
      this.#directories.set(directory, watcher);
    } catch (error) {
      this.#onBlind(directory, error as Error);
    }
  }

  #look(path: string): void {
    const known = this.#signatures.get(path);
    const differs =
      known === undefined
        ? this.#newFiles && EXTENSIONS.includes(extname(path))
        : sign(path).signature !== known;
    if (!differs) return;
    this.#rest?.();
    this.#rest = this.#clock.setTimer(QUIET, () => this.#tell(path));
  }
}
