import {
  Client,
  type Middleware,
  memoryEngine,
  RetryLater,
  RevokeTask,
  ServeMux,
  Server,
  SkipRetry,
  Task,
} from "titanqueue";

class RateLimitError extends Error {}

// func logging(next asynq.Handler) asynq.Handler
const logging: Middleware = async (task, ctx, next) => {
  // asynq.GetTaskID(ctx), asynq.GetRetryCount(ctx), asynq.GetMaxRetry(ctx), asynq.GetQueueName(ctx)
  console.log(`${task.type} ${ctx.taskId} in ${ctx.queue}: try ${ctx.retried} of ${ctx.maxRetry}`);
  return next();
};

// asynq.NewServeMux(), mux.Use(logging), mux.HandleFunc("email:", …): the longest prefix that fits is taken.
const mux = new ServeMux()
  .use(logging)
  .handle("email:", async (task, ctx) => {
    const { userId } = task.payload as { userId?: number }; // json.Unmarshal(task.Payload(), &p)
    if (userId === undefined) throw new SkipRetry("no user"); // fmt.Errorf("…: %w", asynq.SkipRetry)
    if (userId === 0) throw new RevokeTask("nobody"); // asynq.RevokeTask
    if (userId === 1) throw new RateLimitError("too fast");
    if (userId === 2) throw new RetryLater("5m"); // asynq has no word for it
    ctx.signal.throwIfAborted(); // <-ctx.Done(): canceled, out of time, or the server is leaving
    return { sent: true }; // task.ResultWriter().Write(…)
  })
  .handle("images", (task) => console.log("all of", task.payload));

const engine = memoryEngine();
const server = new Server(engine, {
  concurrency: 10, // Concurrency
  queues: { critical: 6, mail: 3, low: 1 }, // Queues
  strictPriority: false, // StrictPriority
  // RetryDelayFunc: func(n int, err error, task *asynq.Task) time.Duration; undefined is asynq.DefaultRetryDelayFunc.
  retryDelay: (_retried, error) => (error instanceof RateLimitError ? "1s" : undefined),
  isFailure: (error) => !(error instanceof RateLimitError), // IsFailure
  errorHandler: (error, task, _ctx, verdict) => console.log(task.type, String(error), verdict.outcome), // ErrorHandler
  // GroupAggregator: func(group string, tasks []*asynq.Task) *asynq.Task
  groupAggregator: (group, tasks) =>
    new Task(
      group,
      tasks.map(({ payload }) => payload),
    ),
  groupGracePeriod: "1s", // GroupGracePeriod
  groupMaxSize: 20, // GroupMaxSize
  healthCheck: (error) => error && console.error(error), // HealthCheckFunc
  shutdownTimeout: "8s", // ShutdownTimeout
  logLevel: "error", // LogLevel
});
await server.start(mux); // srv.Start(mux); srv.Run(mux) is `process.exit(await server.run(mux))`

const client = new Client(engine);
const aggregated = new Promise<void>((resolve) => {
  server.on("taskSettled", ({ type }) => type === "images" && resolve());
});
for (const payload of [{ userId: 42 }, {}, { userId: 1 }])
  await client.enqueue(new Task("email:welcome", payload), { queue: "mail" });
for (const n of [1, 2]) await client.enqueue(new Task("image", n), { queue: "low", group: "images" });
await aggregated;
await server.shutdown(); // srv.Shutdown(), which a signal asks for when the server was run
