import type { TaskState } from "../index.ts";
import type { QueueReading } from "./queue-reading.ts";

/** A number, and for metrics by state, of which state. */
export type Sample = readonly [value: number, state?: TaskState];

export interface QueueMetric {
  readonly name: string;
  readonly help: string;
  readonly type: "gauge" | "counter";
  /** Has the label `state` beside `queue`. */
  readonly byState?: true;
  samples(reading: QueueReading): readonly Sample[];
}

const STATES = [
  "active",
  "pending",
  "scheduled",
  "retry",
  "archived",
  "completed",
  "aggregating",
] as const satisfies readonly TaskState[];

const memorySamples = ({ memory }: QueueReading): Sample[] => (memory === undefined ? [] : [[memory]]);
const secondsWaited = ({ info }: QueueReading): Sample[] => [[info.latency / 1_000]];

const OUR_METRICS: readonly QueueMetric[] = [
  {
    name: "titanqueue_queue_tasks",
    help: "Tasks that a queue holds, by state.",
    type: "gauge",
    byState: true,
    samples: ({ info }) => STATES.map((state) => [info[state], state]),
  },
  {
    name: "titanqueue_queue_oldest_pending_age_seconds",
    help: "How long the oldest pending task has waited; 0 when none waits.",
    type: "gauge",
    samples: secondsWaited,
  },
  {
    name: "titanqueue_queue_paused",
    help: "1 while servers take no tasks from the queue.",
    type: "gauge",
    samples: ({ info }) => [[info.paused ? 1 : 0]],
  },
  {
    name: "titanqueue_queue_groups",
    help: "Groups whose tasks wait to be aggregated.",
    type: "gauge",
    samples: ({ info }) => [[info.groups]],
  },
  {
    name: "titanqueue_queue_servers",
    help: "Live servers that serve the queue.",
    type: "gauge",
    samples: ({ servers }) => (servers === undefined ? [] : [[servers]]),
  },
  {
    name: "titanqueue_queue_memory_bytes",
    help: "Bytes that the queue takes in the store, estimated from some of its tasks.",
    type: "gauge",
    samples: memorySamples,
  },
  {
    name: "titanqueue_queue_processed_total",
    help: "Attempts that ended, failures included, wherever they ran.",
    type: "counter",
    samples: ({ info }) => [[info.processedTotal]],
  },
  {
    name: "titanqueue_queue_failed_total",
    help: "Attempts that failed, wherever they ran.",
    type: "counter",
    samples: ({ info }) => [[info.failedTotal]],
  },
];

/** As asynq's exporter calls them, so that its boards and alerts go on; it knows no aggregating tasks. */
const ASYNQ_METRICS: readonly QueueMetric[] = [
  {
    name: "asynq_tasks_enqueued_total",
    help: "Tasks that a queue holds, by state; goes up and down.",
    type: "gauge",
    byState: true,
    samples: ({ info }) =>
      STATES.filter((state) => state !== "aggregating").map((state) => [info[state], state]),
  },
  {
    name: "asynq_queue_size",
    help: "Tasks that a queue holds.",
    type: "gauge",
    samples: ({ info }) => [[info.size]],
  },
  {
    name: "asynq_queue_latency_seconds",
    help: "How long the oldest pending task has waited; 0 when none waits.",
    type: "gauge",
    samples: secondsWaited,
  },
  {
    name: "asynq_queue_memory_usage_approx_bytes",
    help: "Bytes that the queue takes in the store, estimated from some of its tasks.",
    type: "gauge",
    samples: memorySamples,
  },
  {
    name: "asynq_tasks_processed_total",
    help: "Attempts that ended, failures included.",
    type: "counter",
    samples: ({ info }) => [[info.processedTotal]],
  },
  {
    name: "asynq_tasks_failed_total",
    help: "Attempts that failed.",
    type: "counter",
    samples: ({ info }) => [[info.failedTotal]],
  },
  {
    name: "asynq_queue_paused_total",
    help: "1 while servers take no tasks from the queue.",
    type: "gauge",
    samples: ({ info }) => [[info.paused ? 1 : 0]],
  },
];

export const QUEUE_METRICS = { titanqueue: OUR_METRICS, asynq: ASYNQ_METRICS } as const;

export type MetricNames = keyof typeof QUEUE_METRICS;
