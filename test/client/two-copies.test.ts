import { beforeAll, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import * as ours from "../../src/index.ts";

/** The package as a second copy in the same process: the CommonJS build beside the ESM one, say. */
let theirs: typeof ours;

beforeAll(async () => {
  vi.resetModules();
  theirs = await import("../../src/index.ts");
  expect(theirs.Client).not.toBe(ours.Client);
});

describe("two copies of the package in one process", () => {
  it("take each other's tasks, definitions and engines", async () => {
    await using client = new theirs.Client(ours.memoryEngine());
    const task = ours.defineTask("email:welcome", {
      payload: z.object({ userId: z.number() }),
      options: { queue: "critical", unique: { for: "1h", key: ({ userId }) => `user-${userId}` } },
    });
    expect(task({ userId: 1 })).toBeInstanceOf(theirs.Task);
    expect(await client.enqueue(task({ userId: 1 }) as never)).toMatchObject({
      queue: "critical",
      payload: { userId: 1 },
    });
    await expect(client.enqueue(task({ userId: 1 }) as never)).rejects.toBeInstanceOf(
      ours.DuplicateTaskError,
    );
    await expect(client.enqueue(task({ userId: "1" } as never) as never)).rejects.toBeInstanceOf(
      ours.InvalidPayloadError,
    );
  });

  it("meet in the store that a memory: URL names", async () => {
    await using client = new theirs.Client("memory:two-copies");
    await using inspector = new ours.Inspector("memory:two-copies");
    const { id } = await client.enqueue(new theirs.Task("a"));
    expect(await inspector.getTaskInfo({ queue: "default", id })).toMatchObject({
      type: "a",
      state: "pending",
    });
  });
});
