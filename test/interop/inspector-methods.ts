/** The methods of asynq's Inspector that look, and those that change something. Together with `Close` these are all. */
export const READS = [
  "GetQueueInfo",
  "GetTaskInfo",
  "Groups",
  "History",
  "ListActiveTasks",
  "ListAggregatingTasks",
  "ListArchivedTasks",
  "ListCompletedTasks",
  "ListPendingTasks",
  "ListRetryTasks",
  "ListScheduledTasks",
  "ListSchedulerEnqueueEvents",
  "Queues",
  "SchedulerEntries",
  "Servers",
] as const;

export const CHANGES = [
  "ArchiveAllAggregatingTasks",
  "ArchiveAllPendingTasks",
  "ArchiveAllRetryTasks",
  "ArchiveAllScheduledTasks",
  "ArchiveTask",
  "CancelProcessing",
  "DeleteAllAggregatingTasks",
  "DeleteAllArchivedTasks",
  "DeleteAllCompletedTasks",
  "DeleteAllPendingTasks",
  "DeleteAllRetryTasks",
  "DeleteAllScheduledTasks",
  "DeleteQueue",
  "DeleteTask",
  "PauseQueue",
  "RunAllAggregatingTasks",
  "RunAllArchivedTasks",
  "RunAllRetryTasks",
  "RunAllScheduledTasks",
  "RunTask",
  "UnpauseQueue",
] as const;

/** Since v0.26.0. */
export const NEWER_CHANGES = ["UpdateTaskPayload"] as const;

/** These ask a Cluster: `cluster.test.ts`. */
export const OF_A_CLUSTER = ["ClusterKeySlot", "ClusterNodes"] as const;
