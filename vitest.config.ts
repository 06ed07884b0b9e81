import { fileURLToPath } from "node:url";
import { configDefaults, defineConfig } from "vitest/config";

/** `vitest run` leaves out the slow suites; `vitest run --mode all` runs everything. */
export default defineConfig(({ mode }) => ({
  // As in tsconfig.json: the command's sources name the package, which need not have been built.
  resolve: {
    alias: [{ find: /^titanqueue$/, replacement: fileURLToPath(new URL("src/index.ts", import.meta.url)) }],
  },
  test: {
    include: ["test/**/*.test.ts"],
    exclude: [...configDefaults.exclude, ...(mode === "all" ? [] : ["test/slow/**"])],
    globalSetup: ["test/support/global-setup.ts"],
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 30_000,
    retry: 0,
  },
}));
