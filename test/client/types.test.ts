import { describe, expect, expectTypeOf, it } from "vitest";
import { z } from "zod";
import {
  type AnyTaskDefinition,
  type BatchResult,
  Client,
  defineTask,
  type Enqueuer,
  memoryEngine,
  Task,
  type TaskInfo,
} from "../../src/index.ts";

const welcomeEmail = defineTask("email:welcome", {
  payload: z.object({ userId: z.number() }),
  result: z.object({ messageId: z.string() }),
});
const reindex = defineTask("reindex", { result: z.number() });

/** For the compiler. It comes to its end at the first misspelt option. */
async function compiled(client: Enqueuer): Promise<void> {
  expectTypeOf(await client.enqueue(welcomeEmail({ userId: 1 }))).toEqualTypeOf<
    TaskInfo<{ messageId: string }>
  >();
  expectTypeOf(await client.enqueue(new Task("a", { any: "thing" }))).toEqualTypeOf<TaskInfo<unknown>>();

  // @ts-expect-error the payload's type is wrong
  welcomeEmail({ userId: "1" });
  // @ts-expect-error the payload has a property too many
  welcomeEmail({ userId: 1, extra: true });
  // @ts-expect-error an option is misspelt
  await client.enqueue(reindex(), { maxRetries: 1 });
  // @ts-expect-error an option has the wrong type
  await client.enqueue(reindex(), { maxRetry: "1" });
  // @ts-expect-error an instant is no number
  await client.enqueue(reindex(), { processAt: Date.now() });
  // @ts-expect-error a definition is no task: it must be called
  await client.enqueue(reindex);
  await client.enqueue(reindex(), { queue: undefined, processIn: undefined, unique: undefined });

  const results = await client.enqueueBatch([
    welcomeEmail({ userId: 1 }),
    { task: reindex(), options: { processIn: "1h" } },
    new Task("a"),
  ]);
  expectTypeOf(results).toEqualTypeOf<
    [BatchResult<{ messageId: string }>, BatchResult<number>, BatchResult<unknown>]
  >();
  const [first] = results;
  if (first.ok) expectTypeOf(first.info.result).toEqualTypeOf<{ messageId: string } | undefined>();
  else expectTypeOf(first.error).toEqualTypeOf<Error>();

  const many = await client.enqueueBatch([1, 2, 3].map((userId) => welcomeEmail({ userId })));
  expectTypeOf(many).toEqualTypeOf<BatchResult<{ messageId: string }>[]>();

  // @ts-expect-error an item's options are misspelt
  await client.enqueueBatch([{ task: reindex(), opts: {} }]);
  // @ts-expect-error an option of an item is misspelt
  await client.enqueueBatch([{ task: reindex(), options: { maxRetries: 1 } }]);
}

describe("the types of the client", () => {
  it("let code that enqueues take anything that does", async () => {
    const enqueued: string[] = [];
    const fake: Enqueuer = {
      enqueue: async (task) => {
        enqueued.push(task.type);
        throw new Error("stored nothing");
      },
      enqueueBatch: () => Promise.reject(new Error("stored nothing")),
    };
    expectTypeOf<Client>().toExtend<Enqueuer>();
    await expect(fake.enqueue(reindex())).rejects.toThrow("stored nothing");
    expect(enqueued).toEqual(["reindex"]);
  });

  it("let definitions of all kinds stand in one list", async () => {
    const definitions: AnyTaskDefinition[] = [welcomeEmail, reindex];
    expect(definitions.map(({ type }) => type)).toEqual(["email:welcome", "reindex"]);
  });

  it("refuse at run time what they refuse at compile time", async () => {
    await using client = new Client(memoryEngine());
    await expect(compiled(client)).rejects.toThrow("no such option");
  });
});
