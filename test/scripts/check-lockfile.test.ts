import { describe, expect, it } from "vitest";
import { checkLockfile } from "../../scripts/check-lockfile.ts";

describe("checkLockfile", () => {
  it("accepts a file with an entry for every optional package and no registry", () => {
    const packages = {
      "": {},
      "node_modules/@a/tool": {
        optionalDependencies: { "@a/tool-linux": "1.0.0", "@a/tool-darwin": "1.0.0" },
      },
      "node_modules/@a/tool-linux": {},
      "node_modules/b/node_modules/@a/tool-darwin": {},
      "node_modules/linked": { resolved: "../linked" },
    };
    expect(checkLockfile({ packages })).toEqual([]);
  });

  it("misses the package of another platform", () => {
    const packages = { "node_modules/tool": { optionalDependencies: { "tool-darwin": "1.0.0" } } };
    expect(checkLockfile({ packages })[0]).toMatch(/^node_modules\/tool may need tool-darwin/);
  });

  it("refuses the address of a registry", () => {
    const packages = { "node_modules/tool": { resolved: "https://registry.example/tool.tgz" } };
    expect(checkLockfile({ packages })[0]).toMatch(/names its registry/);
  });
});
