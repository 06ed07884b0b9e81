/** The same package as a CommonJS user sees it. */
import titanqueue = require("titanqueue");
import zod = require("zod");

const welcome = titanqueue.defineTask("email:welcome", { payload: zod.z.object({ userId: zod.z.number() }) });

// @ts-expect-error the payload's type is checked
welcome({ userId: "1" });

export async function run(): Promise<string> {
  const client: titanqueue.Client = new titanqueue.Client(titanqueue.memoryEngine());
  const mux = new titanqueue.ServeMux();
  mux.handle(welcome, async (task) => console.log(task.payload.userId.toFixed()));
  try {
    const info: titanqueue.TaskInfo = await client.enqueue(welcome({ userId: 42 }));
    return info.id;
  } catch (error) {
    return error instanceof titanqueue.DuplicateTaskError ? error.queue : "";
  } finally {
    await client.close();
  }
}
