import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { sign } from "../../src/cli/file-signature.ts";
import { WatchedFiles } from "../../src/cli/watched-files.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { FakeClock, settle } from "../support/fake-runtime.ts";

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), "tq-watch-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

function watched(clock = systemClock): { files: WatchedFiles; blind: string[] } {
  const blind: string[] = [];
  const files = new WatchedFiles(clock, (path) => blind.push(path));
  onTestFinished(() => files.close());
  return { files, blind };
}

describe("watched files", () => {
  it("tell of one that was written, and of none that was only looked at", async () => {
    const place = directory();
    const [first, second] = [join(place, "a.ts"), join(place, "b.ts")];
    for (const path of [first, second]) writeFileSync(path, "1");
    const { files } = watched();
    for (const path of [first, second]) files.add(sign(path));
    writeFileSync(join(place, "unrelated.ts"), "1");
    writeFileSync(second, "2");
    expect(await files.changed).toBe(second);
  });

  it("tell of one that changed between its load and the watch", async () => {
    const path = join(directory(), "a.ts");
    writeFileSync(path, "1");
    const loaded = sign(path);
    writeFileSync(path, "22");
    const { files } = watched();
    files.add(loaded);
    expect(await files.changed).toBe(path);
  });

  it("wait until the editor is done", async () => {
    const path = join(directory(), "a.ts");
    writeFileSync(path, "1");
    const loaded = sign(path);
    rmSync(path);
    const clock = new FakeClock();
    const { files } = watched(clock);
    let told = false;
    void files.changed.then(() => {
      told = true;
    });
    files.add(loaded);
    clock.advance(49);
    await settle();
    expect(told).toBe(false);
    clock.advance(1);
    await files.changed;
  });

  it("tell of new programs once they are asked to", async () => {
    const place = directory();
    const path = join(place, "a.ts");
    writeFileSync(path, "1");
    const { files } = watched();
    files.add(sign(path));
    files.addNewFiles();
    writeFileSync(join(place, "notes.txt"), "1");
    writeFileSync(join(place, "new.mjs"), "1");
    expect(await files.changed).toBe(join(place, "new.mjs"));
  });

  it("say where they cannot look", () => {
    const { files, blind } = watched();
    files.add({ path: "/nowhere/at/all/a.ts", signature: "gone" });
    expect(blind).toEqual(["/nowhere/at/all"]);
  });
});
