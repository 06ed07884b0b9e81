import { describe, expect, expectTypeOf, it, vi } from "vitest";
import { z } from "zod";
import { defineTask } from "../../src/define-task.ts";
import { HandlerNotFoundError, InvalidOptionError, InvalidPatternError } from "../../src/errors.ts";
import { ServeMux } from "../../src/server/serve-mux.ts";
import type { TaskContext } from "../../src/server/task-context.ts";
import { Task } from "../../src/task.ts";
import { golden } from "../support/golden.ts";
import { gate } from "./server-rig.ts";

const ctx = {} as TaskContext;

/** Runs the handler that `mux` chooses for a task of this type. */
async function run(mux: ServeMux, type: string): Promise<unknown> {
  const task = new Task(type);
  return mux.route(type).handler(task, ctx);
}

interface Match {
  readonly patterns: string[];
  readonly type: string;
  /** Empty: none. */
  readonly matched: string;
}

describe("ServeMux", () => {
  it.each(golden<Match[]>("mux.json"))("finds for $type among $patterns what Go finds", async (match) => {
    const mux = new ServeMux();
    for (const pattern of match.patterns) mux.handle(pattern, () => pattern);
    if (match.matched === "") await expect(run(mux, match.type)).rejects.toThrow(HandlerNotFoundError);
    else expect(await run(mux, match.type)).toBe(match.matched);
  });

  it("says in Go's words which type has no handler", async () => {
    await expect(run(new ServeMux(), "a:b")).rejects.toThrow('handler not found for task "a:b"');
  });

  it("lets a definition take tasks of exactly its type", async () => {
    const welcome = defineTask("email:welcome");
    const mux = new ServeMux().handle("email:", () => "prefix").handle(welcome, () => "exact");
    expect(await run(mux, "email:welcome")).toBe("exact");
    expect(await run(mux, "email:welcome:again")).toBe("prefix");
    expect([...mux.definitions()]).toEqual([welcome]);
  });

  it("types the payload and the result of a definition's handler", () => {
    const resize = defineTask("image:resize", {
      payload: z.object({ width: z.number() }),
      result: z.object({ url: z.string() }),
    });
    const mux = new ServeMux();
    mux.handle(resize, async (task, ctx) => {
      expectTypeOf(task.payload).toEqualTypeOf<{ width: number }>();
      expectTypeOf(ctx.result.write).parameter(0).toEqualTypeOf<{ url: string }>();
      return { url: "x" };
    });
    // @ts-expect-error: not what the definition returns
    new ServeMux().handle(resize, async () => ({ url: 1 }));
    new ServeMux().handle(resize, async () => undefined);
    new ServeMux().handle(resize, () => {
      // returns nothing
    });
    // biome-ignore lint/suspicious/noConfusingVoidType: what TypeScript infers of such a handler
    new ServeMux().handle(resize, async (task): Promise<{ url: string } | void> => {
      if (task.payload.width > 0) return { url: "x" };
    });
    new ServeMux().handle("image:", (task) => {
      expectTypeOf(task.payload).toEqualTypeOf<unknown>();
    });
    new ServeMux().handle("image:", (task: Task<{ src: string }>) => void task.payload.src);
  });

  it("hands on to another mux, which chooses by the whole type", async () => {
    const inner = new ServeMux().handle("image:resize", () => "resize").handle("image:", () => "other");
    const mux = new ServeMux().handle("image:", inner);
    expect(await run(mux, "image:resize")).toBe("resize");
    expect(await run(mux, "image:crop")).toBe("other");
    await expect(run(new ServeMux().handle("video:", inner), "video:cut")).rejects.toThrow(
      HandlerNotFoundError,
    );
  });

  it("gives a nested handler the outer policies that it has not of its own", () => {
    const outerDelay = () => 1;
    const innerDelay = () => 2;
    const isFailure = () => false;
    const inner = new ServeMux()
      .handle("a:1", () => 1, { retryDelay: innerDelay })
      .handle("a:2", () => 2, { retryDelay: undefined });
    const mux = new ServeMux().handle("a:", inner, { retryDelay: outerDelay, isFailure });
    expect(mux.route("a:1").options).toEqual({ retryDelay: innerDelay, isFailure });
    expect(mux.route("a:2").options).toEqual({ retryDelay: outerDelay, isFailure });
  });

  it.each<[what: string, register: (mux: ServeMux) => unknown]>([
    ["a blank pattern", (mux) => mux.handle("  ", () => 1)],
    ["an empty pattern", (mux) => mux.handle("", () => 1)],
    ["a pattern that is taken", (mux) => mux.handle("taken", () => 1)],
    ["a definition whose type is taken", (mux) => mux.handle(defineTask("taken"), () => 1)],
    ["no handler", (mux) => mux.handle("a", undefined as never)],
    ["a handler that is no function", (mux) => mux.handle("a", {} as never)],
    ["itself", (mux) => mux.handle("a", mux)],
    ["a mux that leads back", (mux) => mux.handle("a", new ServeMux().handle("b", mux))],
  ])("refuses %s", (_, register) => {
    const mux = new ServeMux().handle("taken", () => 1);
    expect(() => register(mux)).toThrow(InvalidPatternError);
  });

  it("refuses options and middleware that are not what they should be", () => {
    const mux = new ServeMux();
    expect(() => mux.handle("a", () => 1, { retryDelays: () => 1 } as never)).toThrow(
      /did you mean "retryDelay"/,
    );
    expect(() => mux.handle("a", () => 1, { isFailure: true } as never)).toThrow(InvalidOptionError);
    expect(() => mux.use("log" as never)).toThrow(InvalidOptionError);
  });
});

describe("a mux of another copy of the package", () => {
  it("is one, and cannot lead back either", async () => {
    vi.resetModules();
    const other = await import("../../src/server/serve-mux.ts");
    expect(other.ServeMux).not.toBe(ServeMux);
    const mux = new ServeMux();
    const foreign = new other.ServeMux().handle("a:", () => "foreign");
    mux.handle("a:", foreign as never);
    expect(await run(mux, "a:1")).toBe("foreign");
    expect(() => foreign.handle("b:", mux as never)).toThrow(/leads back/);
  });
});

describe("middleware", () => {
  it("is put around a handler once, not for every task", () => {
    const mux = new ServeMux().handle("a:", () => 1).use(async (_task, _ctx, next) => next());
    const outer = new ServeMux().handle("a:", mux, { isFailure: () => false });
    expect(outer.route("a:1")).toBe(outer.route("a:2"));
    const before = outer.route("a:1");
    mux.use(async (_task, _ctx, next) => next());
    expect(outer.route("a:1")).not.toBe(before);
  });

  it("runs around the handler, the first one outermost, and around a nested mux's own", async () => {
    const steps: string[] = [];
    const step = (name: string) => async (_task: Task, _ctx: TaskContext, next: () => Promise<unknown>) => {
      steps.push(`${name} in`);
      await next();
      steps.push(`${name} out`);
    };
    const inner = new ServeMux().use(step("c")).handle("t:", () => {
      steps.push("handler");
    });
    const mux = new ServeMux().handle("t:", inner).use(step("a"), step("b"));
    await run(mux, "t:1");
    expect(steps).toEqual(["a in", "b in", "c in", "handler", "c out", "b out", "a out"]);
  });

  it("also runs around a missing handler", async () => {
    const seen: unknown[] = [];
    const mux = new ServeMux().use(async (task, _ctx, next) => {
      try {
        await next();
      } catch (error) {
        seen.push(task.type, error);
        throw error;
      }
    });
    await expect(run(mux, "x")).rejects.toThrow(HandlerNotFoundError);
    expect(seen).toEqual(["x", expect.any(HandlerNotFoundError)]);
  });

  it("passes the handler's value on, unless it returns one of its own", async () => {
    const passing = new ServeMux().handle("a", () => 1).use(async (_task, _ctx, next) => void (await next()));
    expect(await run(passing, "a")).toBe(1);
    const replacing = new ServeMux()
      .handle("a", () => 1)
      .use(async (_t, _c, next) => Number(await next()) + 1);
    expect(await run(replacing, "a")).toBe(2);
    const skipping = new ServeMux().handle("a", () => 1).use(() => undefined);
    expect(await run(skipping, "a")).toBeUndefined();
  });

  it("may live with a failure inside", async () => {
    const mux = new ServeMux()
      .handle("a", () => {
        throw new Error("inside");
      })
      .use(async (_task, _ctx, next) => {
        await next().catch(() => undefined);
      });
    expect(await run(mux, "a")).toBeUndefined();
  });

  it("that forgets to wait for the handler neither ends the task early nor hides a failure", async () => {
    let end: (error?: Error) => void = () => undefined;
    const handled = new Promise<string>((resolve, reject) => {
      end = (error) => (error ? reject(error) : resolve("value"));
    });
    const forgetful = (_task: Task, _ctx: TaskContext, next: () => Promise<unknown>) => void next();
    const mux = new ServeMux().handle("slow", () => handled).use(forgetful);
    const running = run(mux, "slow");
    expect(await Promise.race([running, Promise.resolve("still running")])).toBe("still running");
    end();
    expect(await running).toBe("value");

    mux.handle("failing", () => {
      throw new Error("inside");
    });
    await expect(run(mux, "failing")).rejects.toThrow("inside");
  });

  it("that fails on its own fails the task, once the handler has ended", async () => {
    const { opened: handled, open: end } = gate();
    const mux = new ServeMux()
      .handle("a", () => handled)
      .use((_task, _ctx, next) => {
        void next();
        throw new Error("middleware");
      });
    const running = run(mux, "a").catch((error: Error) => error.message);
    expect(await Promise.race([running, Promise.resolve("still running")])).toBe("still running");
    end();
    expect(await running).toBe("middleware");
  });
});
