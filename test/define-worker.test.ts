import { describe, expect, it } from "vitest";
import { defineWorker } from "../src/define-worker.ts";
import { InvalidOptionError } from "../src/errors.ts";
import { ServeMux } from "../src/server/serve-mux.ts";
import { isWorker } from "../src/worker-brand.ts";

const handle = () => undefined;

describe("defineWorker", () => {
  it("keeps what it is given, and is known for what it is", () => {
    const mux = new ServeMux();
    const worker = defineWorker({ mux, server: { concurrency: 3 } });
    expect(worker).toMatchObject({ mux, server: { concurrency: 3 } });
    expect(isWorker(worker)).toBe(true);
    expect(isWorker({ mux, server: {} })).toBe(false);
    expect(isWorker(null)).toBe(false);
  });

  it("takes one function for all types, and undefined for absent", () => {
    expect(defineWorker({ mux: handle, server: undefined }).server).toEqual({});
  });

  it.each([
    ["no mux", {}, /^mux: expected a function or a ServeMux/],
    ["no options", undefined, /expected an object for a worker/],
    ["an unknown name", { mux: handle, sever: {} }, /did you mean "server"/],
    ["a wrong server option", { mux: handle, server: { concurrency: 0 } }, /concurrency: expected/],
    ["a schedule that is none", { mux: handle, schedule: "@daily" }, /schedule: expected a function/],
    ["an unknown server option", { mux: handle, server: { queue: {} } }, /did you mean "queues"/],
  ])("refuses %s in the file, before anything runs", (_, options, message) => {
    expect(() => defineWorker(options as never)).toThrow(InvalidOptionError);
    expect(() => defineWorker(options as never)).toThrow(message);
  });
});
