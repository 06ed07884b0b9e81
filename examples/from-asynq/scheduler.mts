import { memoryEngine, PeriodicTaskManager, Scheduler, Task } from "titanqueue";

const engine = memoryEngine();

// asynq.NewScheduler(redis, &asynq.SchedulerOpts{Location: berlin, PostEnqueueFunc: …, EnqueueErrorHandler: …})
const scheduler = new Scheduler(engine, {
  timezone: "Europe/Berlin",
  preEnqueue: ({ entryId, tick }) => console.log(entryId, "is due:", tick?.toISOString()),
  postEnqueue: (info, { entryId }) => console.log(entryId, "has enqueued", info.type),
  onError: (error, { entryId }) => console.error(entryId, error),
  logLevel: "error",
});
// scheduler.Register("0 9 * * *", task, asynq.Queue("low")). An id of your own survives restarts.
const id = await scheduler.register("0 9 * * *", new Task("report:daily"), {
  id: "daily",
  options: { queue: "low" },
});
await scheduler.register("@every 1s", new Task("cache:warm"), { id: "warm" });
await scheduler.start(); // scheduler.Start(); scheduler.Run() is `process.exit(await scheduler.run())`
await scheduler.runNow("warm"); // asynq has no word for it
await scheduler.unregister(id); // scheduler.Unregister(id)
await scheduler.shutdown(); // scheduler.Shutdown()

// asynq.NewPeriodicTaskManager(asynq.PeriodicTaskManagerOpts{PeriodicTaskConfigProvider: …, SyncInterval: …})
const manager = new PeriodicTaskManager(engine, {
  // GetConfigs() ([]*asynq.PeriodicTaskConfig, error)
  provider: async () => [{ spec: "@every 1h", task: new Task("sync"), options: { queue: "low" } }],
  syncInterval: "1m",
  logLevel: "error",
});
await manager.start(); // mgr.Start()
await manager.shutdown(); // mgr.Shutdown()
console.log("all has ended");
