import { expect, it } from "vitest";
import type { Inspection } from "../../src/broker/inspection.ts";
import { memoryEngine } from "../../src/engine/memory/memory-engine.ts";
import { QueueNotEmptyError } from "../../src/errors.ts";
import { deleteQueue } from "../../src/inspector/delete-queue.ts";
import { message } from "../contract/tasks.ts";

it("leaves a task alone that comes after the queue was found to be empty, unless with force", async () => {
  const engine = memoryEngine();
  await using _ = engine;
  const release = engine.use();
  const { broker, inspection } = engine;
  await broker.enqueue([{ message: message("q") }]);
  await inspection.changeSome("q", "delete", { state: "pending" }, 1);
  let late: string | undefined;
  const door: Inspection = {
    ...inspection,
    changeSome: async (...words) => {
      if (late === undefined) {
        const entry = { message: message("q") };
        late = entry.message.id;
        await broker.enqueue([entry]);
      }
      return inspection.changeSome(...words);
    },
  };
  await expect(deleteQueue(door, "q", {})).rejects.toBeInstanceOf(QueueNotEmptyError);
  expect(await inspection.queueInfo("q")).toMatchObject({ pending: 1, paused: false });
  expect(await inspection.taskInfo("q", String(late))).toMatchObject({ state: "pending" });

  await deleteQueue(door, "q", { force: true });
  expect(await inspection.queueInfo("q")).toBeUndefined();
  await release();
});
