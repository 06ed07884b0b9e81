import type { WrittenContent } from "./content.ts";
import type { Duration, Header, Instant } from "./words.ts";

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

export interface EnqueueRequest {
  type: string;
  payload: WrittenContent;
  options?: EnqueueOptions;
}
