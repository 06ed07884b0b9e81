import type { Content, WrittenContent } from "./content.ts";
import type { EnqueueOptions, EnqueueRequest } from "./enqueue.ts";
import type { Header, Instant, Length, TaskState } from "./words.ts";

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
  /** Of its unique key; `null`: it has none, or the lock cannot be read. */
  uniqueLock: UniqueLock | null;
  /** The server that runs it now. */
  runningOn: RunningOn | null;
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

/** While it is held, no other task of that key can be enqueued to the queue. */
export interface UniqueLock {
  /** Id of the task that holds it, which may be another one, or gone; `null`: it is free. */
  holder: string | null;
  /** When it is free by itself at the latest; `null`: it is free, or held until somebody frees it. */
  until: Instant | null;
}

export interface RunningOn {
  serverId: string;
  host: string;
  pid: number;
  startedAt: Instant;
  deadline: Instant | null;
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

export interface CopyRequest {
  /** Left out: as it is. */
  payload?: WrittenContent;
  options?: EnqueueOptions;
}

export interface PayloadRequest {
  payload: WrittenContent;
}

export interface CancelAnswer {
  /**
   * `canceled`: it waited, and is archived. `signaled`: the server that runs it was told, and decides when it ends and what
   * becomes of it (`cancelPolicy`). `finished`: it had ended already.
   */
  outcome: "canceled" | "signaled" | "finished";
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

export interface TaskRoutes {
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
  "POST /api/queues/{queue}/tasks/{id}/cancel": { answer: CancelAnswer };
  /** Gives a scheduled task another payload. */
  "POST /api/queues/{queue}/tasks/{id}/payload": { body: PayloadRequest; answer: null };
  /** Enqueues the same once more, perhaps edited. */
  "POST /api/queues/{queue}/tasks/{id}/copy": { body: CopyRequest; answer: TaskDetail };
  /** Searches tasks in all queues. */
  "GET /api/tasks": { query: SearchQuery; answer: SearchPage };
  /** Enqueues a task. */
  "POST /api/tasks": { body: EnqueueRequest; answer: TaskDetail };
}
