import { defineConfig, type UserConfig } from "tsdown";

const common: UserConfig = {
  platform: "node",
  target: "node20",
  sourcemap: true,
  fixedExtension: true,
};

export default defineConfig([
  {
    ...common,
    // Together, so that they share what both of them hold.
    entry: {
      index: "src/index.ts",
      testing: "src/testing/index.ts",
      monitor: "src/monitor/index.ts",
      metrics: "src/metrics/index.ts",
    },
    format: ["esm", "cjs"],
    dts: true,
    // Not the monitor's pages, which another build puts there.
    clean: ["dist/*", "!dist/ui"],
  },
  {
    ...common,
    // The command stands on the public surface: the same copy of it that the user's worker file imports.
    entry: ["src/cli/main.ts", "src/cli/dev-child.ts", "src/cli/load-hook.ts"],
    outDir: "dist/cli",
    deps: { neverBundle: ["titanqueue", "titanqueue/monitor"] },
    dts: false,
    clean: false,
  },
]);
