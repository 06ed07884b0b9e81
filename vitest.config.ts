import { configDefaults, defineConfig } from "vitest/config";

/** `vitest run` leaves out the slow suites; `vitest run --mode all` runs everything. */
export default defineConfig(({ mode }) => ({
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
