/** Every route of asynqmon's REST API but `GET /metrics`, which asks a Prometheus and nothing of ours. */
const LISTED = ["active", "pending", "scheduled", "retry", "archived", "completed"] as const;
const GROUP = "/queues/{q}/groups/{g}";

export const LOOKS: readonly string[] = [
  "GET /queues",
  "GET /queues/{q}",
  "GET /queue_stats",
  ...LISTED.map((state) => `GET /queues/{q}/${state}_tasks`),
  `GET ${GROUP}/aggregating_tasks`,
  "GET /queues/{q}/tasks/{id}",
  "GET /queues/{q}/groups",
  "GET /servers",
  "GET /scheduler_entries",
  "GET /scheduler_entries/{id}/enqueue_events",
  "GET /redis_info",
];

/** What can be done in each state, beside canceling. */
export const ACTIONS = {
  pending: ["delete", "archive"],
  scheduled: ["delete", "run", "archive"],
  retry: ["delete", "run", "archive"],
  archived: ["delete", "run"],
  completed: ["delete"],
  aggregating: ["delete", "run", "archive"],
} as const;

export type ActedState = keyof typeof ACTIONS;
export type Action = (typeof ACTIONS)[ActedState][number];

export const CHANGING: readonly string[] = [
  "DELETE /queues/{q}",
  "POST /queues/{q}:pause",
  "POST /queues/{q}:resume",
  "POST /queues/{q}/active_tasks/{id}:cancel",
  "POST /queues/{q}/active_tasks:cancel_all",
  "POST /queues/{q}/active_tasks:batch_cancel",
  ...Object.entries(ACTIONS).flatMap(([state, actions]) => {
    const tasks = state === "aggregating" ? `${GROUP}/aggregating_tasks` : `/queues/{q}/${state}_tasks`;
    return actions.flatMap((action) => [
      action === "delete" ? `DELETE ${tasks}/{id}` : `POST ${tasks}/{id}:${action}`,
      `${action === "delete" ? "DELETE" : "POST"} ${tasks}:${action}_all`,
      `POST ${tasks}:batch_${action}`,
    ]);
  }),
];
