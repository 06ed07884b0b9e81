import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type InlineConfig, type UserConfig } from "tsdown";
import { afterAll } from "vitest";
import manifest from "../../package.json" with { type: "json" };
import configs from "../../tsdown.config.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** The text of each file of a project, by its path. */
export type Files = Readonly<Record<string, string>>;

/** The package, built from this tree and installed where nothing else is to be found above it. */
export class Installation {
  /** What `titanqueue` is, in a project that has it. */
  readonly bin: string;
  readonly #directory: string;
  #projects = 0;

  private constructor(directory: string) {
    this.#directory = directory;
    this.bin = join(directory, "node_modules/titanqueue", manifest.bin.titanqueue);
  }

  static async make(): Promise<Installation> {
    const directory = realpathSync(mkdtempSync(join(tmpdir(), "tq-cli-")));
    const place = join(directory, "node_modules/titanqueue");
    for (const config of configs as UserConfig[]) {
      const outDir = join(place, config.outDir ?? "dist");
      // `clean` is relative to the tree, and would empty its own `dist`.
      const quick: InlineConfig = { config: false, dts: false, sourcemap: false, clean: false };
      await build({ ...config, ...quick, cwd: root, outDir, logLevel: "silent" });
    }
    for (const path of ["package.json", "examples/starter"]) {
      cpSync(join(root, path), join(place, path), { recursive: true });
    }
    for (const name of [...Object.keys(manifest.dependencies), "@photostructure/sqlite"]) {
      link(name, join(directory, "node_modules"));
    }
    return new Installation(directory);
  }

  /** A project with these files; `typescript`: with tsx installed. */
  project(files: Files, { typescript = true } = {}): string {
    this.#projects += 1;
    const directory = join(this.#directory, `project-${this.#projects}`);
    mkdirSync(join(directory, "node_modules"), { recursive: true });
    if (typescript) link("tsx", join(directory, "node_modules"));
    const base: Files = { "package.json": '{ "type": "module" }', "tsconfig.json": "{}" };
    for (const [path, text] of Object.entries({ ...base, ...files })) {
      mkdirSync(dirname(join(directory, path)), { recursive: true });
      writeFileSync(join(directory, path), text);
    }
    return directory;
  }

  /** Installs a package beside ours. */
  add(name: string): void {
    link(name, join(this.#directory, "node_modules"));
  }

  remove(): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

function link(name: string, modules: string): void {
  mkdirSync(dirname(join(modules, name)), { recursive: true });
  symlinkSync(join(root, "node_modules", name), join(modules, name));
}

/** An installation for the calling test file: `const installed = await installationForFile();` at the top. */
export async function installationForFile(): Promise<Installation> {
  const installation = await Installation.make();
  afterAll(() => installation.remove());
  return installation;
}
