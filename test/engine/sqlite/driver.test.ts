import { describe, expect, it } from "vitest";
import { loadDriver, type Scope } from "../../../src/engine/sqlite/driver.ts";
import { createSqliteEngine } from "../../../src/engine/sqlite/sqlite-engine.ts";

const DatabaseSync = class {};
const node: Scope = { process: { versions: { node: "20.20.0" } } };

describe("loading SQLite", () => {
  it("takes what Node brings, and asks for no package then", async () => {
    const builtIn = { DatabaseSync };
    const scope = { process: { ...node.process, getBuiltinModule: () => builtIn } };
    const load = () => Promise.reject(new Error("was asked for"));
    expect(await loadDriver(scope, load)).toBe(builtIn);
  });

  it.each([
    ["has none", { process: { ...node.process, getBuiltinModule: () => undefined } }],
    ["cannot be asked", node],
  ])("takes the package's where Node %s", async (_how, scope) => {
    const asked: string[] = [];
    const driver = await loadDriver(scope, async (specifier) => {
      asked.push(specifier);
      return { DatabaseSync };
    });
    expect(driver).toEqual({ DatabaseSync });
    expect(asked).toEqual(["@photostructure/sqlite"]);
  });

  it.each([
    ["is not there", () => Promise.reject(new Error("Cannot find package"))],
    ["brings no binary for this machine", () => Promise.reject(new Error("No native build was found"))],
    ["is something else", async () => ({})],
  ])("names the one command to run where the package %s", async (_what, load) => {
    await expect(loadDriver(node, load)).rejects.toMatchObject({
      code: "SQLITE_DRIVER_MISSING",
      message: expect.stringContaining("npm install @photostructure/sqlite@1"),
    });
  });

  it("is refused where there are no files", async () => {
    await expect(loadDriver({}, async () => ({ DatabaseSync }))).rejects.toMatchObject({
      code: "EDGE_RUNTIME",
    });
  });

  it("fails every call of an engine, which starts nothing", async () => {
    const engine = createSqliteEngine(
      "tasks.db",
      {},
      { loadDriver: () => loadDriver(node, () => Promise.reject(new Error("Cannot find package"))) },
    );
    await expect(engine.open()).rejects.toMatchObject({ code: "SQLITE_DRIVER_MISSING" });
    await expect(engine.broker.exchange("q", [], 1)).rejects.toMatchObject({ code: "SQLITE_DRIVER_MISSING" });
    await expect(engine.inspection.queues()).rejects.toMatchObject({ code: "SQLITE_DRIVER_MISSING" });
    await engine.close();
  });
});
