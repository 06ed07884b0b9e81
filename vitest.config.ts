import { fileURLToPath } from "node:url";
import { configDefaults, defineConfig } from "vitest/config";

const EXCLUDED: Readonly<Record<string, string[]>> = { all: ["test/interop/**"], interop: [] };

/**
 * `vitest run` leaves out the slow suites; `vitest run --mode all` runs them too; `vitest run --mode interop` runs what is
 * tried side by side with Go, and nothing else.
 */
export default defineConfig(({ mode }) => ({
  // As in tsconfig.json: the command's sources name the package, which need not have been built.
  resolve: {
    alias: [{ find: /^titanqueue$/, replacement: fileURLToPath(new URL("src/index.ts", import.meta.url)) }],
  },
  test: {
    include: [mode === "interop" ? "test/interop/**/*.test.ts" : "test/**/*.test.ts"],
    exclude: [...configDefaults.exclude, ...(EXCLUDED[mode] ?? ["test/interop/**", "test/slow/**"])],
    globalSetup: [
      "test/support/global-setup.ts",
      ...(mode === "interop" ? ["test/interop/global-setup.ts"] : []),
    ],
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 30_000,
    retry: 0,
  },
}));
