import { afterEach, describe, expect, it, vi } from "vitest";
import { createEngine, resolveEngine } from "../src/create-engine.ts";
import { memoryEngine } from "../src/engine/memory/memory-engine.ts";
import { redisEngine } from "../src/engine/redis/redis-engine.ts";
import { sqliteEngine } from "../src/engine/sqlite/sqlite-engine.ts";
import {
  EngineUrlInvalidError,
  EngineUrlMissingError,
  InvalidOptionError,
  UnsupportedClientError,
} from "../src/errors.ts";
import { message } from "./contract/tasks.ts";

afterEach(() => {
  vi.unstubAllEnvs();
});

describe("createEngine", () => {
  it.each([
    ["redis://localhost", "redis"],
    ["rediss://user:secret@localhost:6380/2", "redis"],
    ["redis-socket:///run/redis.sock", "redis"],
    ["redis-sentinel://a:1,b:2/0?master=main", "redis"],
    ["redis-cluster://a:1,b:2", "redis"],
    ["memory:", "memory"],
    ["memory:name", "memory"],
    ["sqlite:tasks.db", "sqlite"],
    ["sqlite:///nowhere/tasks.db?synchronous=full", "sqlite"],
  ])("makes of %s the engine that serves it, without connecting", (url, kind) => {
    expect(createEngine(url).kind).toBe(kind);
  });

  it("goes by TITANQUEUE_URL when it is given no URL", () => {
    vi.stubEnv("TITANQUEUE_URL", "memory:");
    expect(createEngine().kind).toBe("memory");
    expect(createEngine("redis://localhost").kind).toBe("redis");
  });

  it.each([undefined, ""])("refuses to guess when there is none (%j)", (url) => {
    vi.stubEnv("TITANQUEUE_URL", "");
    expect(() => createEngine(url)).toThrow(EngineUrlMissingError);
  });

  it("says which scheme was probably meant", () => {
    expect(() => createEngine("reddis://localhost")).toThrow(EngineUrlInvalidError);
    expect(() => createEngine("reddis://localhost")).toThrow('did you mean "redis"?');
    expect(() => createEngine("memori:")).toThrow('did you mean "memory"?');
  });

  it.each(["kafka://admin:hunter2@host", "admin@hunter2", "//hunter2@host", "redis://a:hunter2@:x"])(
    "shows no password of a URL that it does not understand: %s",
    (url) => {
      expect.assertions(2);
      try {
        createEngine(url);
      } catch (error) {
        expect(error).toBeInstanceOf(EngineUrlInvalidError);
        expect(String(error)).not.toContain("hunter2");
      }
    },
  );

  it("gives one store to all who name it, and to nobody else", async () => {
    const engines = ["memory:shared", "memory:shared", "memory:other"].map((url) => createEngine(url));
    const [one, same, other] = engines;
    await one?.broker.enqueue([{ message: message("q") }]);
    expect(await same?.inspection.queues()).toEqual(["q"]);
    expect(await other?.inspection.queues()).toEqual([]);
  });
});

describe("the options of an engine", () => {
  const doors: [string, (options: never) => unknown][] = [
    ["memoryEngine", memoryEngine],
    ["redisEngine", (options) => redisEngine("redis://localhost", options)],
    ["sqliteEngine", (options) => sqliteEngine("tasks.db", options)],
    ["createEngine", (options) => createEngine("memory:", options)],
    ["resolveEngine, beside an engine,", (options) => resolveEngine(memoryEngine(), options)],
  ];

  it.each(
    doors.flatMap(([door, make]) =>
      [
        [{ comandTimeout: "5s" }, 'did you mean "commandTimeout"'],
        [{ runtme: undefined }, 'did you mean "runtime"'],
        [{ commandTimeout: "banana" }, "commandTimeout"],
        [{ commandTimeout: 0 }, "commandTimeout: must not be 0"],
        [{ commandTimeout: "0s" }, "commandTimeout: must not be 0"],
        [{ logger: { info: () => undefined } }, "logger"],
        [{ runtime: {} }, "runtime"],
        [null, "expected an object"],
      ].map(([options, text]) => ({ door, make, options, text })),
    ),
  )("$door refuses $options", ({ make, options, text }) => {
    expect(() => make(options as never)).toThrow(InvalidOptionError);
    expect(() => make(options as never)).toThrow(text as string);
  });
});

describe("resolveEngine", () => {
  it("takes an engine as it is, and makes one of a URL", () => {
    const engine = memoryEngine();
    expect(resolveEngine(engine)).toBe(engine);
    expect(resolveEngine("memory:").kind).toBe("memory");
  });

  it("goes by TITANQUEUE_URL for nothing", () => {
    vi.stubEnv("TITANQUEUE_URL", "redis://localhost");
    expect(resolveEngine(undefined).kind).toBe("redis");
  });

  it.each([{}, null, 42, { sendCommand: () => undefined }])("refuses what is neither: %j", (source) => {
    expect(() => resolveEngine(source as never)).toThrow(UnsupportedClientError);
    expect(() => resolveEngine(source as never)).toThrow("redisEngine(client)");
  });
});
