import { readFileSync } from "node:fs";
import { describe, expect, it, vi } from "vitest";
import * as errors from "../src/errors.ts";
import { RetryLater } from "../src/retry-later.ts";

const { TitanQueueError, ...concrete } = errors;
const classes = { ...concrete, RetryLater };

describe("docs/errors.md", () => {
  const page = readFileSync(new URL("../docs/errors.md", import.meta.url), "utf8");
  const rows = [...page.matchAll(/^\| `(\w+)` \| `(\w+)` \|(?: [^|]+ \|){1,2}$/gm)].map(([, name, code]) => [
    name,
    code,
  ]);

  it("lists every error with its code, and no other", () => {
    const known = Object.entries(classes).map(([name, { code }]) => [name, code]);
    expect(rows.sort()).toEqual(known.sort());
  });
});

describe("an error", () => {
  it("has a code of its own", () => {
    const codes = Object.values(classes).map(({ code }) => code);
    expect(new Set(codes).size).toBe(codes.length);
    for (const code of codes) expect(code).toMatch(/^[A-Z][A-Z_]+$/);
  });

  it("is called by its class's name", () => {
    expect(new errors.ClosedError("it").name).toBe("ClosedError");
    expect(new errors.SkipRetry().name).toBe("SkipRetry");
    expect(`${new errors.TaskIdConflictError("q", "1")}`).toBe(
      'TaskIdConflictError: task id "1" is already taken in queue "q"',
    );
  });

  it("is known to another copy of the package", async () => {
    vi.resetModules();
    const other = await import("../src/errors.ts");
    expect(other.SkipRetry).not.toBe(errors.SkipRetry);
    expect(new other.SkipRetry()).toBeInstanceOf(errors.SkipRetry);
    expect(new other.SkipRetry()).toBeInstanceOf(TitanQueueError);
    expect(new other.RevokeTask()).not.toBeInstanceOf(errors.SkipRetry);
  });

  it("may be refined by its user without being taken for what it is not", () => {
    class Bounced extends errors.SkipRetry {}
    expect(new Bounced()).toBeInstanceOf(errors.SkipRetry);
    expect(new errors.SkipRetry()).not.toBeInstanceOf(Bounced);
    for (const other of [null, "text", {}, new Error("x"), { code: "SKIP_RETRY" }]) {
      expect(other).not.toBeInstanceOf(errors.SkipRetry);
    }
  });
});
