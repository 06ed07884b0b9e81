import { Client, Inspector, memoryEngine, Task, TaskNotFoundError } from "titanqueue";

const engine = memoryEngine();
await using client = new Client(engine);
for (const taskId of ["one", "two", "three"])
  await client.enqueue(new Task("report", { taskId }), { queue: "low", taskId, processIn: "1h" });

await using inspector = new Inspector(engine); // asynq.NewInspector(redis)
console.log(await inspector.queues()); // Queues()
const { size, scheduled, paused } = await inspector.getQueueInfo("low"); // GetQueueInfo("low")
console.log({ size, scheduled, paused });

// ListScheduledTasks("low", asynq.Page(1), asynq.PageSize(2)); the state is a parameter.
for (const { id, nextProcessAt } of await inspector.listTasks("low", "scheduled", { page: 1, pageSize: 2 }))
  console.log(id, nextProcessAt?.toISOString());

await inspector.updateTaskPayload({ queue: "low", id: "one" }, { new: true }); // UpdateTaskPayload("low", "one", bytes)
await inspector.runTask({ queue: "low", id: "one" }); // RunTask("low", "one")
await inspector.archiveTask({ queue: "low", id: "two" }); // ArchiveTask("low", "two")
await inspector.deleteTask({ queue: "low", id: "two" }); // DeleteTask("low", "two")
await inspector.cancelProcessing("one"); // CancelProcessing("one"): only tells servers
const { changed } = await inspector.archiveAll("low", "scheduled"); // ArchiveAllScheduledTasks("low")
console.log(changed, "archived");

await inspector.pauseQueue("low"); // PauseQueue("low")
await inspector.unpauseQueue("low"); // UnpauseQueue("low")
console.log(await inspector.history("low", 7)); // History("low", 7)
console.log(await inspector.servers(), await inspector.schedulerEntries()); // Servers(), SchedulerEntries()

try {
  await inspector.getTaskInfo({ queue: "low", id: "four" }); // GetTaskInfo("low", "four")
} catch (error) {
  if (!(error instanceof TaskNotFoundError)) throw error; // errors.Is(err, asynq.ErrTaskNotFound)
  console.log("no such task");
}
await inspector.deleteQueue("low", { force: true }); // DeleteQueue("low", true)
