export { ADVICE_CODES } from "./advice-codes.ts";
export type { Engine, EngineOptions } from "./broker/engine.ts";
export type { TaskState } from "./broker/inspection.ts";
export type { Advice, AdviceCode, Finding, FindingCode } from "./broker/repair.ts";
export { Client, type ClientOptions } from "./client/client.ts";
export type {
  BatchItem,
  BatchItems,
  BatchResult,
  BatchResults,
  EnqueueCallOptions,
  Enqueuer,
} from "./client/enqueuer.ts";
export { Semaphore, type SemaphoreOptions, type TokenHolder } from "./client/semaphore.ts";
export { createEngine } from "./create-engine.ts";
export {
  type AnyTaskDefinition,
  type Codec,
  type DefinitionOptions,
  defineTask,
  type InputOf,
  type PayloadOf,
  type ResultOf,
  type TaskDefinition,
} from "./define-task.ts";
export { defineWorker, type WorkerDefinition, type WorkerOptions } from "./define-worker.ts";
export type { Duration } from "./duration.ts";
export { memoryEngine } from "./engine/memory/memory-engine.ts";
export { redisEngine } from "./engine/redis/redis-engine.ts";
export type { IoredisClient, RedisLocation, RedisSource } from "./engine/redis/redis-source.ts";
export { type SqliteEngineOptions, sqliteEngine } from "./engine/sqlite/sqlite-engine.ts";
export * from "./errors.ts";
export { FINDING_CODES } from "./finding-codes.ts";
export type { CancelAnswer, CancelOptions } from "./inspector/cancel.ts";
export type { BulkResult, ChangeAllOptions } from "./inspector/change-all.ts";
export type { ChangeListOptions, ChangeResult, TaskRef } from "./inspector/changes.ts";
export type { DeleteQueueOptions } from "./inspector/delete-queue.ts";
export type { DoctorReport } from "./inspector/doctor.ts";
export type { CopyOptions } from "./inspector/edit.ts";
export { type Filter, type FilterField, type FilterTerm, parseFilter } from "./inspector/filter.ts";
export type { FsckOptions, FsckReport } from "./inspector/fsck.ts";
export {
  type DailyStats,
  type GroupInfo,
  Inspector,
  type InspectorOptions,
  type ListOptions,
  type QueueInfo,
} from "./inspector/inspector.ts";
export type { MatchingOptions, MatchingResult, RedriveOptions } from "./inspector/matching.ts";
export type {
  MetricsOptions,
  MetricsPoint,
  MetricsReport,
  MetricsSeries,
  Percentiles,
} from "./inspector/metrics.ts";
export type { BulkOptions, Progress } from "./inspector/progress.ts";
export type { ArchivedFrom } from "./inspector/restore.ts";
export type { SchedulerEntryInfo, SchedulerEvent, StoredEntryInfo } from "./inspector/scheduler-entries.ts";
export type { SearchOptions, SearchPage } from "./inspector/search.ts";
export type { ServerRecord, WorkerRecord } from "./inspector/servers.ts";
export type { CountOptions } from "./inspector/types.ts";
export type { UniqueLock } from "./inspector/unique-lock.ts";
export { RetryLater, type RetryLaterOptions } from "./retry-later.ts";
export type { Clock } from "./runtime/clock.ts";
export type { LogFields, Logger, LogLevel } from "./runtime/logger.ts";
export type { Runtime } from "./runtime/runtime.ts";
export type { EntryOptions } from "./scheduler/entry.ts";
export { type ExplainedSpec, explainSpec } from "./scheduler/explain-spec.ts";
export type { MissedPolicy } from "./scheduler/missed-ticks.ts";
export {
  type PeriodicTaskConfig,
  PeriodicTaskManager,
  type PeriodicTaskManagerOptions,
  type PeriodicTaskProvider,
} from "./scheduler/periodic-task-manager.ts";
export { type ScheduledEntry, Scheduler, type StoredEntryDefinition } from "./scheduler/scheduler.ts";
export type { SchedulerOptions, TickFacts } from "./scheduler/scheduler-options.ts";
export {
  type AggregateOptions,
  type Aggregator,
  type AggregatorContext,
  aggregate,
  type GroupAggregator,
} from "./server/aggregate.ts";
export type { ErrorHandler } from "./server/error-handler.ts";
export type {
  AttemptFacts,
  ServerEvent,
  ServerEventMap,
  SettleCause,
  TaskSettled,
} from "./server/events.ts";
export type { Aggregated } from "./server/group-aggregation.ts";
export type {
  Handler,
  HandlerOf,
  HandlerOptions,
  IsFailure,
  Middleware,
  RetryDelay,
} from "./server/handler.ts";
export type { HealthCheck } from "./server/healthchecker.ts";
export { type Limit, type LimitRule, limit } from "./server/limits.ts";
export { ServeMux } from "./server/serve-mux.ts";
export { Server, type ServerHealth, type ShutdownOptions } from "./server/server.ts";
export type { ServerOptions } from "./server/server-options.ts";
export type { ShutdownResult } from "./server/shutdown-clock.ts";
export type { ResultWriter, TaskContext } from "./server/task-context.ts";
export type { Verdict } from "./server/verdict.ts";
export type { AbortReason } from "./server/worker.ts";
export { type Headers, Task } from "./task.ts";
export type { TaskAttempt, TaskInfo } from "./task-info.ts";
export type { Instant, TaskOptions } from "./task-options.ts";
