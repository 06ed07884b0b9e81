import { fileURLToPath } from "node:url";
import { configDefaults, defineConfig } from "vitest/config";

/** Suites that want more than Node.js and Redis, each run by a mode of its own name. */
const APART = ["interop", "browser"];
const EXCLUDED = APART.map((name) => `test/${name}/**`);

/**
 * `vitest run` leaves out the slow suites; `vitest run --mode all` runs them too; `vitest run --mode interop` runs what is
 * tried side by side with Go, and nothing else; `--mode browser`, likewise, the monitor's pages in a Chromium.
 */
export default defineConfig(({ mode }) => ({
  // As in tsconfig.json: the command's sources name the package, which need not have been built.
  resolve: {
    alias: [{ find: /^titanqueue$/, replacement: fileURLToPath(new URL("src/index.ts", import.meta.url)) }],
  },
  test: {
    include: [APART.includes(mode) ? `test/${mode}/**/*.test.ts` : "test/**/*.test.ts"],
    exclude: [
      ...configDefaults.exclude,
      ...(APART.includes(mode) ? [] : EXCLUDED),
      ...(mode === "all" || APART.includes(mode) ? [] : ["test/slow/**"]),
    ],
    globalSetup: [
      "test/support/global-setup.ts",
      ...(mode === "interop" ? ["test/interop/global-setup.ts"] : []),
    ],
    maxWorkers: 2,
    // Beside Go, tests wait for what happens and not for a time; their number is what keeps a run short.
    testTimeout: mode === "interop" ? 120_000 : 20_000,
    hookTimeout: 30_000,
    retry: 0,
  },
}));
