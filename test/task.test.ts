import { describe, expect, it } from "vitest";
import { PayloadNotJsonError, PayloadNotSerializableError } from "../src/errors.ts";
import type { TaskMessage } from "../src/protocol/task-message.ts";
import { receivedTask, Task } from "../src/task.ts";

const message = (payload: Uint8Array | undefined, headers: [string, string][] = []): TaskMessage => ({
  type: "a",
  payload,
  id: "1",
  queue: "default",
  retry: 25,
  retried: 0,
  errorMsg: "",
  timeout: 1_800,
  deadline: 0,
  uniqueKey: "",
  lastFailedAt: 0,
  retention: 0,
  completedAt: 0,
  groupKey: "",
  headers: new Map(headers),
});

describe("a task that was built", () => {
  it("shows what it was built with", () => {
    const task = new Task("a", { n: 1 }, { headers: { trace: "t" } });
    expect(task.type).toBe("a");
    expect(task.payload).toEqual({ n: 1 });
    expect(Buffer.from(task.bytes ?? []).toString()).toBe('{"n":1}');
    expect({ ...task.headers }).toEqual({ trace: "t" });
    expect(new Task("a").bytes).toBeUndefined();
    expect(new Task("a").headers).toEqual(Object.create(null));
  });

  it("says so only when asked that its payload cannot be stored", () => {
    const task = new Task("a", 1n);
    expect(() => task.bytes).toThrow(PayloadNotSerializableError);
  });
});

describe("a task that was received", () => {
  it("reads its payload when asked", () => {
    expect(receivedTask(message(Buffer.from('{"n":1}'))).payload).toEqual({ n: 1 });
    expect(receivedTask(message(undefined)).payload).toBeUndefined();
    expect(receivedTask(message(new Uint8Array(0))).payload).toBeUndefined();
    const binary = receivedTask(message(Uint8Array.of(0xff)));
    expect([...(binary.bytes ?? [])]).toEqual([0xff]);
    expect(() => binary.payload).toThrow(PayloadNotJsonError);
  });

  it("reads its payload once", () => {
    const task = receivedTask<{ n: number }>(message(Buffer.from('{"n":1}')));
    expect(task.payload).toBe(task.payload);
  });

  it("carries what a definition has decoded, also when that is undefined", () => {
    expect(receivedTask(message(Uint8Array.of(0xff)), { value: 7 }).payload).toBe(7);
    expect(receivedTask(message(Uint8Array.of(0xff)), { value: undefined }).payload).toBeUndefined();
  });

  it("inherits no header", () => {
    const { headers } = receivedTask(message(undefined, [["__proto__", "x"]]));
    expect(Object.keys(headers)).toEqual(["__proto__"]);
    expect("toString" in headers).toBe(false);
  });
});

describe("instanceof Task", () => {
  it("holds for built and received tasks, and for those of another copy of the package", () => {
    expect(new Task("a")).toBeInstanceOf(Task);
    expect(receivedTask(message(undefined))).toBeInstanceOf(Task);
    expect({ [Symbol.for("titanqueue.task")]: undefined } instanceof Task).toBe(true);
    for (const other of [{}, null, "a", () => undefined]) expect(other).not.toBeInstanceOf(Task);
  });
});
