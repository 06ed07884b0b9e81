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

import type { AuditRoutes } from "./api/audit.ts";
import type { ChangeRoutes } from "./api/changes.ts";
import type { DefinitionRoutes } from "./api/definitions.ts";
import type { EngineRoutes } from "./api/engine.ts";
import type { FailureRoutes } from "./api/failures.ts";
import type { GroupRoutes } from "./api/groups.ts";
import type { LiveRoutes } from "./api/live.ts";
import type { MetricsRoutes } from "./api/metrics.ts";
import type { OperationRoutes } from "./api/operations.ts";
import type { QueueRoutes } from "./api/queues.ts";
import type { SchedulerRoutes } from "./api/schedulers.ts";
import type { ServerRoutes } from "./api/servers.ts";
import type { ServiceRoutes } from "./api/service.ts";
import type { TaskRoutes } from "./api/tasks.ts";

export type * from "./api/audit.ts";
export type * from "./api/changes.ts";
export type * from "./api/content.ts";
export type * from "./api/definitions.ts";
export type * from "./api/engine.ts";
export type * from "./api/enqueue.ts";
export type * from "./api/failures.ts";
export type * from "./api/groups.ts";
export type * from "./api/health.ts";
export type * from "./api/live.ts";
export type * from "./api/metrics.ts";
export type * from "./api/operations.ts";
export type * from "./api/queues.ts";
export type * from "./api/schedulers.ts";
export type * from "./api/servers.ts";
export type * from "./api/service.ts";
export type * from "./api/tasks.ts";
export type * from "./api/words.ts";

/** One route: what it takes and what it answers. `answer: null` is status 204, without a body. */
export interface Route {
  query?: object;
  body?: object;
  answer: unknown;
}

/** Every route there is, but for the front end's own files. Names of queues and ids in a path are percent-encoded. */
export interface Routes
  extends ServiceRoutes,
    LiveRoutes,
    QueueRoutes,
    GroupRoutes,
    TaskRoutes,
    ChangeRoutes,
    DefinitionRoutes,
    OperationRoutes,
    ServerRoutes,
    SchedulerRoutes,
    MetricsRoutes,
    FailureRoutes,
    EngineRoutes,
    AuditRoutes {}

export type RouteName = keyof Routes;
