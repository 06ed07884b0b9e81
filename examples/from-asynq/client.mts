import { Client, DuplicateTaskError, memoryEngine, Task, TaskIdConflictError } from "titanqueue";

// asynq.NewClient(asynq.RedisClientOpt{Addr: …}): a URL, as in "redis://127.0.0.1:6379"; this engine is for trying it out.
await using client = new Client(memoryEngine());

// asynq.NewTask("email:welcome", payload); client.Enqueue(task, …)
const info = await client.enqueue(new Task("email:welcome", { userId: 42 }), {
  queue: "mail", // asynq.Queue("mail")
  maxRetry: 5, // asynq.MaxRetry(5)
  timeout: "30s", // asynq.Timeout(30 * time.Second)
  deadline: new Date("2040-01-01"), // asynq.Deadline(…)
  processIn: "10m", // asynq.ProcessIn(10 * time.Minute), or processAt for asynq.ProcessAt
  unique: "1h", // asynq.Unique(time.Hour)
  retention: "24h", // asynq.Retention(24 * time.Hour)
  taskId: "welcome-42", // asynq.TaskID("welcome-42")
  headers: { tenant: "acme" }, // asynq.NewTaskWithHeaders
});
console.log(info.id, info.state);

// Payloads are JSON; bytes are taken as they are, as asynq takes them.
await client.enqueue(new Task("image:resize", Buffer.from([1, 2, 3])), { group: "images" }); // asynq.Group("images")

try {
  await client.enqueue(new Task("email:welcome", { userId: 42 }), { queue: "mail", unique: "1h" });
} catch (error) {
  if (error instanceof DuplicateTaskError)
    console.log("duplicate"); // errors.Is(err, asynq.ErrDuplicateTask)
  else if (error instanceof TaskIdConflictError)
    console.log("conflict"); // errors.Is(err, asynq.ErrTaskIDConflict)
  else throw error;
}
