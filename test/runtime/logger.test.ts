import { afterEach, describe, expect, it, vi } from "vitest";
import { levelled, silentLogger } from "../../src/runtime/logger.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

describe("levelled", () => {
  it("passes on what is important enough", () => {
    const heard: string[] = [];
    const hear = (_: object, text: string) => void heard.push(text);
    const logger = levelled({ debug: hear, info: hear, warn: hear, error: hear }, "warn");
    logger.debug({}, "debug");
    logger.info({}, "info");
    logger.warn({}, "warn");
    logger.error({}, "error");
    expect(heard).toEqual(["warn", "error"]);
  });

  it("survives a logger that throws, and tells the event on standard error", () => {
    const lines: string[] = [];
    vi.spyOn(console, "error").mockImplementation((text: string) => void lines.push(text));
    const failing = () => {
      throw new Error("no");
    };
    levelled({ ...silentLogger, warn: failing }, "info").warn({ task: "x" }, "task archived");
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain("WARN  titanqueue: task archived logger=failed");
  });

  it("survives a logger that rejects later", async () => {
    const lines: string[] = [];
    vi.spyOn(console, "error").mockImplementation((text: string) => void lines.push(text));
    const failing = async () => {
      throw new Error("no");
    };
    levelled({ ...silentLogger, warn: failing }, "info").warn({}, "task archived");
    await new Promise(setImmediate);
    expect(lines).toEqual([expect.stringContaining("WARN  titanqueue: task archived logger=failed")]);
  });
});
