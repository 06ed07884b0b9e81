/**
 * Where the monitor's back end and its front end meet: types, and nothing else. The OpenAPI document is generated from
 * this file, requests are checked against it, and the front end knows nothing beside it.
 *
 * Instants are milliseconds since the Unix epoch by the engine's clock: compare them with the `now` of the same answer,
 * never with the browser's clock. Lengths are milliseconds. What is not known is `null`, never 0. Counts are whole
 * numbers. Paths are relative to where the monitor is mounted.
 *
 * Requests that change something carry `content-type: application/json` and the header `x-tq-csrf` with the value that
 * `GET api/session` gives; with a bearer token the header is not needed.
 */

// ---- words --------------------------------------------------------------------------------------------------

/** Milliseconds since the Unix epoch. */
export type Instant = number;
/** Milliseconds. */
export type Length = number;

export type TaskState =
  | "active"
  | "pending"
  | "scheduled"
  | "retry"
  | "archived"
  | "completed"
  | "aggregating";

/** Each role may do what those before it may. */
export type Role = "view" | "operate" | "admin";

/** Every answer with a status of 400 and above. */
export interface ErrorAnswer {
  error: ErrorFacts;
}

export interface ErrorFacts {
  /**
   * The package's own codes (`TASK_NOT_FOUND`, `ENGINE_UNAVAILABLE`, …, docs/errors.md), and the monitor's:
   * `BAD_REQUEST`, `UNAUTHENTICATED`, `FORBIDDEN`, `ADDRESS_UNKNOWN`, `READ_ONLY`, `CSRF`, `NOT_FOUND`,
   * `METHOD_NOT_ALLOWED`, `MISDIRECTED`, `TOO_LARGE`, `UNSUPPORTED_MEDIA_TYPE`, `TOO_MANY_REQUESTS`, `NOT_SUPPORTED`, `NOT_UNDOABLE`,
   * `NOT_STORED`, `INTERNAL`.
   */
  code: string;
  message: string;
  /** Where in the request: a parameter or a path in the body. */
  where?: string;
  /** Of `FILTER_INVALID` and `CRON_SPEC_INVALID`: the character, counted from 0, at which it cannot be understood. */
  position?: number;
  /** What to write instead. */
  hint?: string;
  /** Of `INVALID_PAYLOAD`: what the schema of the type says. */
  issues?: PayloadIssue[];
}

export interface PayloadIssue {
  /** As in `user.emails[0]`; empty for the payload itself. */
  path: string;
  message: string;
}

// ---- who is asking, and of what -----------------------------------------------------------------------------

export interface Session {
  /** `null`: nobody is asked to log in here. */
  user: string | null;
  role: Role;
  /** Nothing can be changed through this monitor, whatever the role. */
  readOnly: boolean;
  /** Patterns of the queues that may be seen; `null` = all. */
  queues: string[] | null;
  /** The value of `x-tq-csrf`. */
  csrf: string;
  /** Of the package. */
  version: string;
  engine: EngineState;
  now: Instant;
  /** Payload keys that are hidden from this user; empty for those who see everything. */
  redactedKeys: string[];
  /** How many bytes of a payload or result an answer shows, at most. */
  contentLimit: number;
}

export interface EngineState {
  /** `"redis"`, `"sqlite"`, `"memory"`. */
  kind: string;
  status: "up" | "down";
  /** Since when it is so. */
  since: Instant;
  /** How long the last look took; `null` while it is away. */
  roundTrip: Length | null;
  /** Why it is away. */
  problem: string | null;
  /** When it is tried again, while it is away. */
  nextTry: Instant | null;
}

// ---- queues -------------------------------------------------------------------------------------------------

/** One line of the table of queues. */
export interface QueueRow {
  queue: string;
  paused: boolean;
  /** All tasks it holds. */
  size: number;
  pending: number;
  active: number;
  scheduled: number;
  retry: number;
  archived: number;
  completed: number;
  aggregating: number;
  /** Groups that have tasks waiting. */
  groups: number;
  /** Since when the oldest pending task waits; `null`: none does. */
  oldestAt: Instant | null;
  /** Attempts that ended today (UTC), failures included. */
  processedToday: number;
  failedToday: number;
  processedTotal: number;
  failedTotal: number;
  /** Tasks per second that came in, and that left the backlog; `null` until two looks have been taken. */
  inRate: number | null;
  outRate: number | null;
  /** Failed attempts per second. */
  failureRate: number | null;
  /** When nothing waits, and when there is no telling, `null`; never, if the rates stay as they are: `"never"`. */
  drainsIn: Length | "never" | null;
  /** The highest priority that a live server gives it; `null`: no server serves it, or servers are not known. */
  priority: number | null;
  /** Live servers that serve it; `null`: not known. */
  servers: number | null;
}

export interface QueueList {
  now: Instant;
  queues: QueueRow[];
}

export interface QueueDetail {
  now: Instant;
  row: QueueRow;
  /** Estimated; `null` where the store cannot tell. */
  memoryBytes: number | null;
  servedBy: ServedBy[];
  /** Points of the last 15 minutes, oldest first; a gap in `at` is a gap in what is known. */
  series: RatePoint[];
}

export interface ServedBy {
  serverId: string;
  host: string;
  pid: number;
  priority: number;
  strict: boolean;
}

/** Rates over the time since the point before it. */
export interface RatePoint {
  at: Instant;
  inRate: number;
  outRate: number;
  failureRate: number;
}

export interface History {
  /** Today first. */
  days: DailyStats[];
}

export interface DailyStats {
  queue: string;
  /** `2026-11-24`, UTC. */
  date: string;
  processed: number;
  failed: number;
}

export interface GroupList {
  groups: GroupRow[];
}

export interface GroupRow {
  queue: string;
  group: string;
  size: number;
}

// ---- tasks --------------------------------------------------------------------------------------------------

export interface TaskRef {
  queue: string;
  id: string;
}

/** One line of a table of tasks. */
export interface TaskRow {
  queue: string;
  id: string;
  type: string;
  state: TaskState;
  /** Its message is missing or unreadable: only queue, id and state mean anything. */
  damaged: boolean;
  /** Active, and its lease has run out: its server is gone. */
  orphaned: boolean;
  retried: number;
  maxRetry: number;
  /** When it runs: `null` once it does, has ended, or waits in a group. */
  nextProcessAt: Instant | null;
  lastFailedAt: Instant | null;
  completedAt: Instant | null;
  group: string | null;
  /** At most 500 characters. */
  lastError: string | null;
  /** The beginning of the payload as one line, at most 200 characters; `null`: none. */
  preview: string | null;
  payloadBytes: number;
  /** When it is deleted, unless that is undone before; `null`: it is not going to be. */
  deleteAt: Instant | null;
}

export interface TaskDetail extends TaskRow {
  now: Instant;
  /** In full, up to 64 KiB. */
  error: string | null;
  payload: Content;
  result: Content;
  /** Hidden ones have the value `[redacted]`. */
  headers: Header[];
  /** `null`: no limit. */
  timeout: Length | null;
  deadline: Instant | null;
  /** 0: not kept after success. */
  retention: Length;
  /** The last ten failed attempts that are on record, oldest first; `null`: none are (a Go server ran them, say). */
  attempts: Attempt[] | null;
  /** The server that runs it now. */
  runningOn: RunningOn | null;
}

export interface Header {
  name: string;
  value: string;
}

export interface Attempt {
  /** When it ended. */
  at: Instant;
  outcome: "retry" | "archive";
  /**
   * As in the event `taskSettled`: `error`, `timeout`, `canceled`, `retry-later`, `lease-expired`, and of an archived one
   * `exhausted`, `skip-retry`, `invalid`, `canceled`. A later version may have more.
   */
  cause: string;
  /** `host:pid` of the server that ran it; `null`: not known (its lease ran out). */
  server: string | null;
  duration: Length | null;
  /** The first 512 bytes. */
  error: string;
}

export interface RunningOn {
  serverId: string;
  host: string;
  pid: number;
  startedAt: Instant;
  deadline: Instant | null;
}

/** Bytes of a user, made readable. Never HTML: show it as text. */
export interface Content {
  /** Of the whole, in bytes. */
  bytes: number;
  /**
   * `json`: `text` is the JSON as it is stored, unless it is `truncated`. `text`: UTF-8. `hex`: two lower-case digits a
   * byte. `none`: there is nothing.
   */
  kind: "none" | "json" | "text" | "hex";
  text: string;
  /** Only the beginning is here: `GET …/payload` has all of it. */
  truncated: boolean;
  /** Values were replaced by `"[redacted]"`; or all of it was left out, and `text` is empty. */
  redacted: boolean;
}

export interface TaskPage {
  now: Instant;
  tasks: TaskRow[];
  /** Counts from 1. */
  page: number;
  pageSize: number;
  /** All tasks of that state (and group); `null`: not known. */
  total: number | null;
}

export interface SearchPage {
  now: Instant;
  tasks: TaskRow[];
  /** Where to go on; `null`: everything has been searched. */
  cursor: string | null;
  scanned: number;
  /** All there is to search. */
  total: number;
}

/** Options of a task, in the words of `Client.enqueue`. Lengths are text such as `"10m"`, or milliseconds. */
export interface EnqueueOptions {
  queue?: string;
  taskId?: string;
  /**
   * @minimum 0
   * @maximum 2147483647
   */
  maxRetry?: number;
  timeout?: Duration;
  deadline?: Instant;
  retention?: Duration;
  unique?: Duration;
  /** Takes the place of the payload in the unique lock. */
  uniqueKey?: string;
  /** With `taskId`: a task of that id that has ended gives way. */
  replaceFinished?: boolean;
  group?: string;
  processIn?: Duration;
  processAt?: Instant;
  headers?: Header[];
}

export type Duration = string | number;

/** A payload that a person wrote. */
export interface WrittenContent {
  /** `json`: `text` must be JSON. `hex`: an even number of hexadecimal digits. */
  kind: "none" | "json" | "text" | "hex";
  text: string;
}

export interface EnqueueRequest {
  type: string;
  payload: WrittenContent;
  options?: EnqueueOptions;
}

export interface CopyRequest {
  /** Left out: as it is. */
  payload?: WrittenContent;
  options?: EnqueueOptions;
}

export interface PayloadRequest {
  payload: WrittenContent;
}

/** What may be done to tasks. */
export type TaskAction = "run" | "archive" | "delete";

export interface CancelRequest {
  /**
   * What becomes of the task.
   * @default "archive"
   */
  then?: "archive" | "delete" | "retry";
}

export interface CancelAnswer {
  /** `signaled`: the server that runs it was told, and decides when. `finished`: it had ended already. */
  outcome: "canceled" | "signaled" | "finished";
}

/** The same change of up to 1,000 tasks that were chosen one by one. */
export interface ChangeRequest {
  action: TaskAction;
  /** Of `delete`, as in `BulkRequest`. Where not all can be undone, nothing is changed (`NOT_UNDOABLE`). */
  undoable?: boolean;
  /** @maxItems 1000 */
  tasks: TaskRef[];
}

export interface ChangeAnswer {
  /** In the order of the request. */
  results: ChangeResult[];
  changed: number;
  /** Undoes it, until its `undoUntil`; `null`: it was not asked to be undoable. */
  operation: Operation | null;
}

export interface ChangeResult {
  task: TaskRef;
  /** `null`: done. */
  error: ErrorFacts | null;
}

/** A definition that the monitor was given, for the form that enqueues. */
export interface DefinitionInfo {
  type: string;
  queue: string | null;
  /** `json`: by a schema. `bytes`: by a codec, so that only `hex` and `text` fit. `none`: it has none. */
  payload: "json" | "bytes" | "none";
  /** JSON Schema (draft 2020-12) of what `enqueue` takes; `null`: its library gives none. Payloads are checked all the same. */
  schema: unknown;
  /** What the definition sets, where the form says nothing. */
  options: EnqueueOptions;
}

export interface DefinitionList {
  definitions: DefinitionInfo[];
}

// ---- operations: changes that take a while ------------------------------------------------------------------

/** What to do to all tasks that match. `redrive` moves archived ones back to pending. */
export type BulkAction = "run" | "archive" | "delete" | "redrive";

export interface BulkRequest {
  action: BulkAction;
  /** The language of the search box. Empty: all of them. */
  filter: string;
  /** Left out: all queues. */
  queues?: string[];
  /** Left out: all states that the action is for. */
  states?: TaskState[];
  /** Only failed tasks of this group of `GET api/failures`: in retry, or archived. */
  fingerprint?: string;
  /**
   * Of `delete`: tasks are archived first, and deleted ten minutes later; `POST api/operations/{id}/undo` puts them back
   * until then. Pending tasks return to the end of their queue, scheduled ones and those in retry to their time; archived and
   * completed ones stay where they are until they are deleted. Tasks in groups cannot be undone. A task that somebody has
   * run, or changed otherwise, in these ten minutes is not deleted. Should the monitor end before, nothing is deleted:
   * tasks stay archived. Where there are too many to be undone (see `Operation.canUndo`), the operation fails with
   * `NOT_UNDOABLE` before it has changed anything.
   */
  undoable?: boolean;
  /** Only counts, and shows samples. */
  dryRun?: boolean;
  /**
   * Tasks per second.
   * @minimum 1
   * @maximum 100000
   */
  rate?: number;
  /**
   * Stops after so many.
   * @minimum 1
   */
  limit?: number;
}

export interface DeleteQueueRequest {
  /** The queue's name once more, typed by whoever asks. */
  confirm: string;
  /** Also when it holds tasks. */
  force?: boolean;
}

/** A change of many tasks that goes on while others are answered. Kept in memory for an hour after its end. */
export interface Operation {
  id: string;
  action: BulkAction | "delete-queue";
  filter: string;
  queues: string[] | null;
  states: TaskState[] | null;
  dryRun: boolean;
  status: "running" | "done" | "stopped" | "failed";
  startedBy: string | null;
  startedAt: Instant;
  endedAt: Instant | null;
  /** Looked at so far. */
  done: number;
  /** All that there is to look at; `null`: not known yet. */
  total: number | null;
  /** `null` until it ends, for operations that cannot tell before. */
  matched: number | null;
  changed: number;
  /** Up to five of the tasks that match; of a dry run, once it is done. */
  sample: TaskRow[];
  error: ErrorFacts | null;
  /** The group of failures that it is for; `null`: it is not for one. */
  fingerprint: string | null;
  /** Whether a dry run has found that all that match can be undone; `null`: it was not asked, or does not know yet. */
  canUndo: boolean | null;
  /** Until when it can be undone, which is also when its tasks are deleted; `null`: it cannot be, or not any more. */
  undoUntil: Instant | null;
  /** Tasks that were put back; `null`: it was not undone. */
  undone: number | null;
  /** The command that does the same; `null`: none does exactly that. */
  command: string | null;
}

export interface OperationList {
  operations: Operation[];
}

// ---- servers, schedulers ------------------------------------------------------------------------------------

export interface ServerList {
  now: Instant;
  servers: ServerCard[];
}

export interface ServerCard {
  id: string;
  host: string;
  pid: number;
  status: string;
  startedAt: Instant;
  /** `titanqueue/0.1.0`; `null`: a Go server. */
  version: string | null;
  concurrency: number;
  strictPriority: boolean;
  queues: QueuePriority[];
  workers: WorkerRow[];
}

export interface QueuePriority {
  queue: string;
  priority: number;
}

/** What one slot does now. */
export interface WorkerRow {
  taskId: string;
  queue: string;
  type: string;
  startedAt: Instant;
  deadline: Instant | null;
}

export interface SchedulerList {
  now: Instant;
  entries: SchedulerEntry[];
}

export interface SchedulerEntry {
  id: string;
  /** As it is stored: five fields, `@every 1h`, `CRON_TZ=Europe/Rome 0 6 * * *`. */
  spec: string;
  type: string;
  /** `null`: not known, as of an entry that no scheduler sees to. */
  queue: string | null;
  /** In asynq's words: `Queue("low")`, `MaxRetry(3)`. */
  options: string[];
  payload: Content;
  /** When it is due, as its schedulers have it; `null`: never, or none sees to it. */
  next: Instant | null;
  previous: Instant | null;
  /** It is kept in the engine, for all schedulers; others vanish with their last scheduler. */
  stored: boolean;
  paused: boolean;
  /** Schedulers that see to it; 0: it is stored, and nobody runs. */
  schedulers: number;
  /** `every hour`, `at 06:00 in Europe/Rome`; `null`: it takes more than a few words. */
  words: string | null;
  /**
   * Up to ten times at which it is due from now on, were it not paused, and did schedulers run. Fewer, where that is all
   * there are, or all that is known: a Go scheduler does not tell its location. `[]`: never.
   */
  nextRuns: Instant[];
  /** Of a stored entry: what would store it as it is. `null` of others, and for those who may not see all of it. */
  definition: SchedulerDefinition | null;
}

/** A periodic task, to be stored in the engine. */
export interface SchedulerDefinition {
  spec: string;
  /** Of a spec that names none, as `Europe/Rome`. Left out: UTC. */
  timezone?: string;
  type: string;
  payload: WrittenContent;
  /** Without `processAt`. */
  options?: EnqueueOptions;
  /** Ticks that nobody enqueued in time: of none, of the last one, or of up to `backfill` a task is enqueued later. Left out: `skip`. */
  missed?: "skip" | "run-once" | Backfill;
}

export interface Backfill {
  /**
   * @minimum 1
   * @maximum 1000
   */
  backfill: number;
}

export interface NewSchedulerEntry extends SchedulerDefinition {
  /** Left out: a new one. */
  id?: string;
}

/** What a spec means, for the form that has it. */
export interface SpecMeaning {
  now: Instant;
  /** As it would be stored. */
  spec: string;
  words: string | null;
  nextRuns: Instant[];
}

export interface SchedulerEventList {
  events: SchedulerEvent[];
}

export interface SchedulerEvent {
  taskId: string;
  enqueuedAt: Instant;
  /**
   * What became of its task, looked for in the queue that the entry has now. `failed`: it is tried again. `archived`: it
   * is not, by its failures or by an operator. `waiting`: it has yet to run. `gone`: it has succeeded and was not kept, or
   * was deleted; which of them nobody knows.
   */
  outcome: "processed" | "failed" | "archived" | "active" | "waiting" | "gone";
}

// ---- metrics ------------------------------------------------------------------------------------------------

/**
 * What servers have measured (Go servers measure nothing). Numbers come up to a minute late. Lengths are within
 * 13 % of the truth.
 */
export interface MetricsReport {
  now: Instant;
  /** Where the first step begins. */
  from: Instant;
  /** Of one step: 5 minutes, or 15 for `24h`. The last one is not over yet. */
  step: Length;
  /** By queue; in each of them all types first, then each type, the busiest first. */
  series: MetricsSeries[];
  /** There is more than fits: ask for one queue. */
  truncated: boolean;
}

export interface MetricsSeries {
  queue: string;
  /** `null`: all of them. Empty: those that were not counted by themselves, which a queue has beyond 50 in a step. */
  type: string | null;
  totals: MetricsPoint;
  /** One for each step; `null`: nothing ended in it that was measured. */
  points: (MetricsPoint | null)[];
}

export interface MetricsPoint {
  /** Attempts that ended, failures included. */
  processed: number;
  failed: number;
  /** From pending to start; `null`: not known of any. */
  wait: Percentiles | null;
  /** From start to end; `null`: not known of any. */
  run: Percentiles | null;
}

export interface Percentiles {
  p50: Length;
  p95: Length;
  p99: Length;
}

// ---- failures, engine, audit --------------------------------------------------------------------------------

export interface FailureList {
  now: Instant;
  /** The most frequent first. */
  groups: FailureGroup[];
  scanned: number;
  /** All tasks in retry and archived. */
  total: number;
}

/** Failed tasks of one type whose errors differ only in numbers, ids and quoted words. */
export interface FailureGroup {
  /** Stable over restarts. */
  fingerprint: string;
  type: string;
  /** The error with what differs replaced by `…`. */
  message: string;
  count: number;
  retry: number;
  archived: number;
  queues: string[];
  firstSeen: Instant | null;
  lastSeen: Instant | null;
  /** Failures in each twelfth of the time between `sparkFrom` and `now`, oldest first. */
  spark: number[];
  sparkFrom: Instant;
  sample: TaskRow;
  /** For the search box, and for `POST api/operations`. */
  filter: string;
}

export interface EngineReport {
  now: Instant;
  engine: EngineState;
  /** Facts that are on the list of what may be shown. */
  facts: Fact[];
  /** `null`: this engine has no doctor. */
  findings: Finding[] | null;
}

export interface Fact {
  name: string;
  value: string;
}

/** What the doctor found, with the remedy. */
export interface Finding {
  id: string;
  level: "ok" | "info" | "warning" | "problem";
  text: string;
  remedy: string | null;
}

export interface AuditList {
  /** The last 1,000, newest first. */
  lines: AuditLine[];
}

/** Who changed what. */
export interface AuditLine {
  at: Instant;
  user: string | null;
  role: Role;
  /** The route: `POST /api/queues/{queue}/pause`. */
  what: string;
  /** What it was done to. */
  on: string;
  /** Tasks that were changed; `null`: it is not about tasks, or not known. */
  count: number | null;
  outcome: "done" | "refused" | "failed";
  /** Code of the error. */
  code: string | null;
}

// ---- live ---------------------------------------------------------------------------------------------------

/**
 * `GET api/live?topics=overview,servers,queue:low` is a stream of server-sent events, `GET api/snapshot?topics=…` the
 * first of them alone. Topics: `overview`, `servers`, `operations`, and `queue:` with a name (percent-encoded in it: `%`
 * and `,`). An event's id, sent back as `Last-Event-ID`, lets a stream go on where it broke off.
 *
 * event `snapshot`: all of the topics. event `delta`: what has changed since the event before.
 */
export interface Snapshot {
  now: Instant;
  engine: EngineState;
  overview?: Overview;
  servers?: ServerCard[];
  operations?: Operation[];
  /** By name; `null`: no such queue. */
  queues?: { [queue: string]: QueueLive | null };
}

export interface Overview {
  health: Health;
  totals: Totals;
  queues: QueueRow[];
  /** All queues together; the last 15 minutes as far as anybody listened, oldest first. */
  series: RatePoint[];
}

export interface QueueLive {
  row: QueueRow;
  series: RatePoint[];
}

export interface Totals {
  queues: number;
  /** `null`: not known. */
  servers: number | null;
  slots: number | null;
  slotsBusy: number | null;
  /** Groups of failures are counted on their page; this is all archived and retried tasks. */
  failures: number;
  oldestAt: Instant | null;
  processedToday: number;
  failedToday: number;
  /** Of the whole of yesterday (UTC): only days are counted. `null`: not known (yet). */
  processedYesterday: number | null;
  failedYesterday: number | null;
}

/** What is missing has not changed. */
export interface Delta {
  now: Instant;
  engine?: EngineState;
  overview?: OverviewDelta;
  servers?: ServerCard[];
  /** Those that changed. */
  operations?: Operation[];
  queues?: { [queue: string]: QueueDelta | null };
}

export interface OverviewDelta {
  health?: Health;
  totals?: Totals;
  /** Rows that are new or have changed. */
  queues?: QueueRow[];
  /** Queues that are gone. */
  removed?: string[];
  /** Goes at the end of `series`. */
  point?: RatePoint;
}

export interface QueueDelta {
  row?: QueueRow;
  point?: RatePoint;
}

export interface Health {
  /** `bad`: something does not work. `warning`: it will not for long. `unknown`: the engine was never seen. */
  status: "good" | "warning" | "bad" | "unknown";
  /** Plain words, for a title. */
  sentence: string;
  /** Worst first; empty when all is well. */
  findings: HealthFinding[];
}

export interface HealthFinding {
  code: "engine-away" | "no-server" | "falling-behind" | "error-burst" | "paused-with-work" | "missed-tick";
  level: "warning" | "bad";
  queue: string | null;
  /** Id of the scheduler's entry, of `missed-tick`. */
  entry: string | null;
  text: string;
}

// ---- routes -------------------------------------------------------------------------------------------------

export interface TopicQuery {
  /** Separated by commas. */
  topics: string;
}

export interface ListQuery {
  state: TaskState;
  /**
   * @minimum 1
   * @default 1
   */
  page?: number;
  /**
   * @minimum 1
   * @maximum 500
   * @default 50
   */
  page_size?: number;
  /** Of aggregating tasks, which are listed by group. */
  group?: string;
}

export interface SearchQuery {
  /** Empty: everything. */
  filter?: string;
  /** Names, separated by commas (`%2C` within one). */
  queues?: string;
  /** Separated by commas. */
  states?: string;
  cursor?: string;
  /**
   * @minimum 1
   * @maximum 500
   * @default 50
   */
  limit?: number;
}

export interface HistoryQuery {
  /**
   * @minimum 1
   * @maximum 90
   * @default 30
   */
  days?: number;
}

export interface SpecQuery {
  spec: string;
  timezone?: string;
}

export interface EventsQuery {
  /**
   * @minimum 1
   * @default 1
   */
  page?: number;
  /**
   * @minimum 1
   * @maximum 100
   * @default 20
   */
  page_size?: number;
}

export interface FailuresQuery {
  queue?: string;
}

export interface MetricsQuery {
  /** Back from now. Left out: `1h`. */
  range?: "1h" | "6h" | "24h";
  /** Left out: the busiest queues. */
  queue?: string;
  /** Of the same length, and so long before: `24h` is yesterday at this time. Left out: up to now. */
  ago?: "24h";
}

export interface ExpositionQuery {
  /** `asynq`: the names of asynq's exporter. Left out: ours. */
  names?: "titanqueue" | "asynq";
}

export interface Healthy {
  ok: boolean;
}

/** One route: what it takes and what it answers. `answer: null` is status 204, without a body. */
export interface Route {
  query?: object;
  body?: object;
  answer: unknown;
}

/** Every route there is, but for the front end's own files. Names of queues and ids in a path are percent-encoded. */
export interface Routes {
  /** Whether the engine answers. Open to everybody, and tells nothing else. */
  "GET /healthz": { answer: Healthy };
  /** What the engine holds, for Prometheus (text format 0.0.4). Takes the package prom-client, else `NOT_SUPPORTED`. */
  "GET /metrics": { query: ExpositionQuery; answer: string };
  /** This document. */
  "GET /api/openapi.json": { answer: unknown };
  /** Who is asking, and what they may do. */
  "GET /api/session": { answer: Session };
  /** Server-sent events; see `Snapshot`. */
  "GET /api/live": { query: TopicQuery; answer: Snapshot };
  /** What a stream would begin with. */
  "GET /api/snapshot": { query: TopicQuery; answer: Snapshot };

  /** All queues. */
  "GET /api/queues": { answer: QueueList };
  /** One queue. */
  "GET /api/queues/{queue}": { answer: QueueDetail };
  /** Deletes a queue with all that is in it. */
  "DELETE /api/queues/{queue}": { body: DeleteQueueRequest; answer: Operation };
  /** Servers take no more tasks from it. */
  "POST /api/queues/{queue}/pause": { answer: null };
  /** Servers take tasks from it again. */
  "POST /api/queues/{queue}/unpause": { answer: null };
  /** What was processed on each of the last days. */
  "GET /api/queues/{queue}/history": { query: HistoryQuery; answer: History };
  /** Groups with tasks that wait to be aggregated. */
  "GET /api/queues/{queue}/groups": { answer: GroupList };

  /** One page of the tasks in one state. */
  "GET /api/queues/{queue}/tasks": { query: ListQuery; answer: TaskPage };
  /** One task. */
  "GET /api/queues/{queue}/tasks/{id}": { answer: TaskDetail };
  /** The whole payload as a file: text or bytes. */
  "GET /api/queues/{queue}/tasks/{id}/payload": { answer: string };
  /** The whole result as a file: text or bytes. */
  "GET /api/queues/{queue}/tasks/{id}/result": { answer: string };
  /** Makes it pending. */
  "POST /api/queues/{queue}/tasks/{id}/run": { answer: null };
  /** Archives it. */
  "POST /api/queues/{queue}/tasks/{id}/archive": { answer: null };
  /** Deletes it; not while it is active. */
  "DELETE /api/queues/{queue}/tasks/{id}": { answer: null };
  /** Cancels it, in whatever state it is. */
  "POST /api/queues/{queue}/tasks/{id}/cancel": { body: CancelRequest; answer: CancelAnswer };
  /** Gives a scheduled task another payload. */
  "POST /api/queues/{queue}/tasks/{id}/payload": { body: PayloadRequest; answer: null };
  /** Enqueues the same once more, perhaps edited. */
  "POST /api/queues/{queue}/tasks/{id}/copy": { body: CopyRequest; answer: TaskDetail };

  /** Searches tasks in all queues. */
  "GET /api/tasks": { query: SearchQuery; answer: SearchPage };
  /** Enqueues a task. */
  "POST /api/tasks": { body: EnqueueRequest; answer: TaskDetail };
  /** Changes tasks that were chosen one by one. */
  "POST /api/changes": { body: ChangeRequest; answer: ChangeAnswer };
  /** Definitions for the form that enqueues. */
  "GET /api/definitions": { answer: DefinitionList };

  /** Operations that run, or ended within the hour. */
  "GET /api/operations": { answer: OperationList };
  /** Begins to change all tasks that match. */
  "POST /api/operations": { body: BulkRequest; answer: Operation };
  /** One operation. */
  "GET /api/operations/{id}": { answer: Operation };
  /** Stops one; what it has done stays. */
  "POST /api/operations/{id}/stop": { answer: Operation };
  /** Puts back what one was to delete. */
  "POST /api/operations/{id}/undo": { answer: Operation };

  /** Servers that live, and what they do. */
  "GET /api/servers": { answer: ServerList };
  /** Periodic tasks. */
  "GET /api/schedulers": { answer: SchedulerList };
  /** Stores a periodic task in the engine. */
  "POST /api/schedulers": { body: NewSchedulerEntry; answer: SchedulerEntry };
  /** Replaces a stored periodic task. */
  "POST /api/schedulers/{id}": { body: SchedulerDefinition; answer: SchedulerEntry };
  /** Removes a stored periodic task. */
  "DELETE /api/schedulers/{id}": { answer: null };
  /** What a spec means; refused (`CRON_SPEC_INVALID`, with `position`) when it cannot be understood. */
  "GET /api/spec": { query: SpecQuery; answer: SpecMeaning };
  /** What an entry has enqueued, newest first. */
  "GET /api/schedulers/{id}/events": { query: EventsQuery; answer: SchedulerEventList };
  /** Enqueues the task of a stored entry now: the options of others are known to their program alone (`NOT_STORED`). */
  "POST /api/schedulers/{id}/run": { answer: TaskDetail };
  /** Its task is enqueued no more, until it is unpaused. */
  "POST /api/schedulers/{id}/pause": { answer: null };
  /** Its task is enqueued again. */
  "POST /api/schedulers/{id}/unpause": { answer: null };

  /** Throughput, and how long tasks waited and ran, by queue and type. */
  "GET /api/metrics": { query: MetricsQuery; answer: MetricsReport };
  /** Failed tasks by what went wrong. */
  "GET /api/failures": { query: FailuresQuery; answer: FailureList };
  /** What the doctor says of the engine. */
  "GET /api/engine": { answer: EngineReport };
  /** Who changed what through this monitor. */
  "GET /api/audit": { answer: AuditList };
}

export type RouteName = keyof Routes;
