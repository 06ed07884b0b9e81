import {
  type Client,
  type Engine,
  explainSpec,
  type Filter,
  type Inspector,
  parseFilter,
  type Scheduler,
  SchedulerEntryExistsError,
  SchedulerEntryNotFoundError,
  type TaskInfo,
} from "../index.ts";
import { VERSION } from "../version.ts";
import type * as api from "./api.ts";
import type { RouteName, Routes } from "./api.ts";
import { type Audit, tasksText } from "./audit.ts";
import type { Collector } from "./collector.ts";
import { bytesOf, CONTENT_LIMIT, fileOf } from "./content.ts";
import type { Csrf } from "./csrf.ts";
import { Definitions } from "./definitions.ts";
import type { Deletions } from "./deletions.ts";
import { engineReport } from "./engine-report.ts";
import { taskOptions } from "./enqueue-options.ts";
import { httpErrorOf } from "./error-answer.ts";
import { expositionOf } from "./exposition.ts";
import { listFailures } from "./failures.ts";
import { badRequest, forbidden, HttpError } from "./http-error.ts";
import { type Live, readTopics } from "./live.ts";
import { busiestQueues, metricsReport } from "./metrics-report.ts";
import type { MonitorConfig } from "./monitor-options.ts";
import { openapi } from "./openapi.ts";
import type { Operations } from "./operations.ts";
import type { Redaction } from "./redaction.ts";
import { namesIn } from "./request-reading.ts";
import { taskDetail, taskRow } from "./rows.ts";
import { eventsOf, RUNS, schedulerEntry, seesEntry } from "./scheduler-rows.ts";
import { maySee, type Visitor } from "./scope.ts";
import { visibleServers } from "./server-cards.ts";
import { visibleOperation } from "./view.ts";

/** All that routes work with. */
export interface House {
  readonly config: MonitorConfig;
  readonly engine: Engine;
  readonly inspector: Inspector;
  readonly client: Client;
  readonly scheduler: Scheduler;
  readonly collector: Collector;
  readonly live: Live;
  readonly operations: Operations;
  readonly deletions: Deletions;
  readonly audit: Audit;
  readonly csrf: Csrf;
  readonly redaction: Redaction;
}

/** One request, after it was checked. */
export interface Call<N extends RouteName> {
  readonly visitor: Visitor;
  /** Decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: Routes[N] extends { query: infer Q } ? Q : Record<never, never>;
  readonly body: Routes[N] extends { body: infer B } ? B : undefined;
  readonly request: Request;
  /** Whoever is asking, looked up anew. */
  readonly recheck: () => Promise<Visitor>;
  /** For the audit log: how many tasks were changed. */
  readonly counted: (count: number) => void;
  /** For the audit log: what was changed, where the path does not say. */
  readonly named: (what: string) => void;
}

export interface Rule<N extends RouteName> {
  /** What it takes. `null`: anybody may, without logging in. */
  readonly role: api.Role | null;
  /** Not for visitors who may see some queues only. */
  readonly wide?: true;
  /** Answers `Response` only where it is no JSON. */
  handle(call: Call<N>): Promise<Routes[N]["answer"] | Response>;
}

export type Rules = { readonly [N in RouteName]: Rule<N> };

export function routeRules(house: House): Rules {
  const {
    inspector,
    client,
    scheduler,
    collector,
    live,
    operations,
    deletions,
    audit,
    csrf,
    config,
    engine,
  } = house;
  const now = () => engine.broker.now();
  const definitions = new Definitions(config.tasks);
  const examine = engineReport(inspector, config.runtime);

  const hiddenFrom = ({ role }: Visitor) => (role === "view" ? house.redaction : undefined);
  const seeQueue = (visitor: Visitor, queue: string) => {
    if (!maySee(visitor, queue)) throw new HttpError(404, "QUEUE_NOT_FOUND", "there is no such queue");
  };
  /** The queue of a path. */
  const queueOf = ({ visitor, params }: Pick<Call<RouteName>, "visitor" | "params">) => {
    const queue = params["queue"] ?? "";
    seeQueue(visitor, queue);
    return queue;
  };
  const refOf = (call: Pick<Call<RouteName>, "visitor" | "params">) => ({
    queue: queueOf(call),
    id: call.params["id"] ?? "",
  });
  /** The queues that a visitor means; `undefined`: all there are. */
  const queuesOf = async (visitor: Visitor, wanted: readonly string[] | undefined) => {
    for (const queue of wanted ?? []) seeQueue(visitor, queue);
    if (wanted !== undefined || visitor.queues === null) return wanted && [...wanted];
    return (await inspector.queues()).filter((queue) => maySee(visitor, queue));
  };
  const detailOf = async (info: TaskInfo, visitor: Visitor) => {
    const running = info.state === "active" ? await runningOn(inspector, info) : null;
    const detail = taskDetail(info, now(), running, hiddenFrom(visitor));
    return { ...detail, deleteAt: deletions.deleteAt(info) };
  };
  const rowOf = (info: TaskInfo, visitor: Visitor): api.TaskRow => {
    return { ...taskRow(info, hiddenFrom(visitor)), deleteAt: deletions.deleteAt(info) };
  };
  const operationFor = (visitor: Visitor, operation: api.Operation) => {
    const visible = visibleOperation(operation, visitor);
    if (visible === undefined) throw new HttpError(404, "NOT_FOUND", "there is no such operation (any more)");
    return visible;
  };
  const file = async (call: Call<RouteName>, what: "bytes" | "resultBytes") => {
    const info = await inspector.getTaskInfo(refOf(call));
    const { body, type, extension } = fileOf(info[what], hiddenFrom(call.visitor));
    return new Response(typeof body === "string" ? body : Buffer.from(body), {
      headers: { "content-type": type, "content-disposition": `attachment; filename="task.${extension}"` },
    });
  };
  /** Servers are told of a cancelation by the id alone, which tasks of several queues may have. */
  const cancel = async (task: api.TaskRef, visitor: Visitor, then: api.CancelRequest["then"]) => {
    const running =
      visitor.queues === null ? [] : (await inspector.servers()).flatMap(({ workers }) => workers);
    if (running.some(({ taskId, queue }) => taskId === task.id && !maySee(visitor, queue))) {
      throw forbidden(
        "the task cannot be canceled without another one of that id, in a queue that is not yours",
      );
    }
    return inspector.cancelTask(task, { then });
  };
  const entryOf = async ({ visitor, params }: Call<RouteName>) => {
    const entries = await inspector.schedulerEntries();
    const entry = entries.find(({ id }) => id === params["id"]);
    if (entry === undefined || !seesEntry(visitor, entry)) {
      throw new HttpError(404, "SCHEDULER_ENTRY_NOT_FOUND", "there is no such scheduler entry");
    }
    return entry;
  };
  const storedEntryOf = async (call: Call<RouteName>) => {
    const entry = await entryOf(call);
    if (entry.stored) return entry;
    throw new HttpError(409, "NOT_STORED", "the entry belongs to the program that registers it");
  };
  const putEntry = async (id: string, definition: api.SchedulerDefinition, visitor: Visitor) => {
    const { spec, timezone, type, payload, missed } = definition;
    const options = taskOptions(definition.options ?? {});
    seeQueue(visitor, options.queue ?? definitions.queueOf(type));
    const task = await definitions.task(type, payload);
    await scheduler.put(id, { spec, task, options, timezone, missed });
    const entry = (await inspector.schedulerEntries()).find((each) => each.id === id);
    if (entry === undefined) throw new SchedulerEntryNotFoundError(id);
    return schedulerEntry(entry, now(), hiddenFrom(visitor));
  };

  return {
    "GET /healthz": {
      role: null,
      handle: async () => {
        const ok = (await collector.fresh()).engine.status === "up";
        return ok ? { ok } : Response.json({ ok }, { status: 503 });
      },
    },
    "GET /metrics": {
      role: "view",
      handle: ({ query, visitor }) =>
        expositionOf(inspector, query.names ?? "titanqueue", (queue) => maySee(visitor, queue)),
    },
    "GET /api/openapi.json": { role: "view", handle: async () => openapi() },
    "GET /api/session": {
      role: "view",
      handle: async ({ visitor }) => ({
        user: visitor.user,
        role: visitor.role,
        readOnly: config.readOnly,
        queues: visitor.queues && [...visitor.queues],
        csrf: csrf.tokenOf(visitor),
        version: VERSION,
        engine: (await collector.fresh()).engine,
        now: now(),
        redactedKeys: visitor.role === "view" ? [...config.redactedKeys] : [],
        contentLimit: CONTENT_LIMIT,
      }),
    },
    "GET /api/live": {
      role: "view",
      handle: async ({ query, visitor, request, recheck }) => {
        const lastEventId = request.headers.get("last-event-id");
        const stream = live.open({ topics: readTopics(query.topics), visitor, lastEventId, recheck });
        return new Response(stream, {
          headers: {
            "content-type": "text/event-stream; charset=utf-8",
            // Proxies that collect a response before they pass it on would hold events back.
            "x-accel-buffering": "no",
            "cache-control": "no-store, no-transform",
          },
        });
      },
    },
    "GET /api/snapshot": {
      role: "view",
      handle: ({ query, visitor }) => live.snapshot(readTopics(query.topics), visitor),
    },

    "GET /api/queues": {
      role: "view",
      handle: async ({ visitor }) => {
        const sight = await collector.fresh();
        requireSeen(sight.engine);
        const queues = [...sight.rows.values()].filter(({ queue }) => maySee(visitor, queue));
        return { now: sight.now, queues };
      },
    },
    "GET /api/queues/{queue}": {
      role: "view",
      handle: async (call) => {
        const queue = queueOf(call);
        const memory = await inspector.getMemoryUsage(queue);
        // It exists; if it was not seen yet, it is new.
        if (!collector.sight.rows.has(queue)) collector.expire();
        const sight = await collector.fresh();
        const row = sight.rows.get(queue);
        if (row === undefined) {
          // Says why it was not seen, if it still is there.
          await inspector.getQueueInfo(queue);
          throw new HttpError(404, "QUEUE_NOT_FOUND", "there is no such queue");
        }
        const servedBy = (sight.servers ?? []).flatMap((server) => {
          const priority = server.queues.find((each) => each.queue === queue)?.priority;
          if (priority === undefined) return [];
          const { id: serverId, host, pid, strictPriority: strict } = server;
          return [{ serverId, host, pid, priority, strict }];
        });
        const series = [...(collector.track(queue)?.series ?? [])];
        return { now: sight.now, row, memoryBytes: memory ?? null, servedBy, series };
      },
    },
    "DELETE /api/queues/{queue}": {
      role: "admin",
      handle: async (call) => {
        const queue = queueOf(call);
        if (call.body.confirm !== queue) throw badRequest("expected the name of the queue", "confirm");
        await inspector.getQueueInfo(queue);
        return operations.deleteQueue(queue, call.body.force ?? false, call.visitor);
      },
    },
    "POST /api/queues/{queue}/pause": {
      role: "operate",
      handle: async (call) => {
        await inspector.getQueueInfo(queueOf(call));
        await inspector.pauseQueue(queueOf(call));
        return null;
      },
    },
    "POST /api/queues/{queue}/unpause": {
      role: "operate",
      handle: async (call) => {
        await inspector.getQueueInfo(queueOf(call));
        await inspector.unpauseQueue(queueOf(call));
        return null;
      },
    },
    "GET /api/queues/{queue}/history": {
      role: "view",
      handle: async (call) => ({ days: await inspector.history(queueOf(call), call.query.days ?? 30) }),
    },
    "GET /api/queues/{queue}/groups": {
      role: "view",
      handle: async (call) => ({ groups: await inspector.groups(queueOf(call)) }),
    },

    "GET /api/queues/{queue}/tasks": {
      role: "view",
      handle: async (call) => {
        const queue = queueOf(call);
        const { state, page = 1, page_size: pageSize = 50, group } = call.query;
        const [tasks, info] = await Promise.all([
          inspector.listTasks(queue, state, { page, pageSize, group }),
          inspector.getQueueInfo(queue),
        ]);
        const rows = tasks.map((task) => rowOf(task, call.visitor));
        return { now: now(), tasks: rows, page, pageSize, total: group === undefined ? info[state] : null };
      },
    },
    "GET /api/queues/{queue}/tasks/{id}": {
      role: "view",
      handle: async (call) => detailOf(await inspector.getTaskInfo(refOf(call)), call.visitor),
    },
    "GET /api/queues/{queue}/tasks/{id}/payload": { role: "view", handle: (call) => file(call, "bytes") },
    "GET /api/queues/{queue}/tasks/{id}/result": {
      role: "view",
      handle: (call) => file(call, "resultBytes"),
    },
    "POST /api/queues/{queue}/tasks/{id}/run": {
      role: "operate",
      handle: async (call) => {
        await inspector.runTask(refOf(call));
        return null;
      },
    },
    "POST /api/queues/{queue}/tasks/{id}/archive": {
      role: "operate",
      handle: async (call) => {
        await inspector.archiveTask(refOf(call));
        return null;
      },
    },
    "DELETE /api/queues/{queue}/tasks/{id}": {
      role: "operate",
      handle: async (call) => {
        await inspector.deleteTask(refOf(call));
        return null;
      },
    },
    "POST /api/queues/{queue}/tasks/{id}/cancel": {
      role: "operate",
      handle: async (call) => ({
        outcome: await cancel(refOf(call), call.visitor, call.body.then),
      }),
    },
    "POST /api/queues/{queue}/tasks/{id}/payload": {
      role: "operate",
      handle: async (call) => {
        await inspector.updateTaskPayload(refOf(call), bytesOf(call.body.payload));
        return null;
      },
    },
    "POST /api/queues/{queue}/tasks/{id}/copy": {
      role: "operate",
      handle: async (call) => {
        const { payload, options = {} } = call.body;
        if (payload !== undefined) {
          const { type } = await inspector.getTaskInfo(refOf(call));
          await definitions.check(type, bytesOf(payload));
        }
        seeQueue(call.visitor, options.queue ?? queueOf(call));
        const info = await inspector.enqueueCopy(refOf(call), {
          ...(payload !== undefined && { payload: bytesOf(payload) }),
          options: taskOptions(options),
        });
        return detailOf(info, call.visitor);
      },
    },

    "GET /api/tasks": {
      role: "view",
      handle: async ({ query, visitor, request }) => {
        const filter = readFilter(query.filter ?? "", visitor, house.redaction);
        const queues = await queuesOf(visitor, namesIn(query.queues));
        const page = await inspector.search(filter, {
          queues,
          states: statesIn(query.states),
          limit: query.limit ?? 50,
          cursor: query.cursor,
          signal: request.signal,
        });
        // A cursor that somebody made up must not lead elsewhere.
        const tasks = page.tasks.filter(({ queue }) => maySee(visitor, queue));
        const { cursor = null, scanned, total } = page;
        return {
          now: now(),
          tasks: tasks.map((task) => rowOf(task, visitor)),
          cursor,
          scanned,
          total,
        };
      },
    },
    "POST /api/tasks": {
      role: "operate",
      handle: async ({ body, visitor, named }) => {
        seeQueue(visitor, body.options?.queue ?? definitions.queueOf(body.type));
        const task = await definitions.task(body.type, body.payload);
        const info = await client.enqueue(task, taskOptions(body.options ?? {}));
        named(tasksText([info]));
        return detailOf(info, visitor);
      },
    },
    "POST /api/changes": {
      role: "operate",
      handle: async ({ body, visitor, counted, named }) => {
        for (const { queue } of body.tasks) seeQueue(visitor, queue);
        named(tasksText(body.tasks));
        if (body.undoable === true) {
          if (body.action !== "delete") throw badRequest("is for action delete", "undoable");
          const { operation, errors } = await operations.deleteChosen(body.tasks, visitor);
          counted(operation.changed);
          const results = body.tasks.map((task, i) => ({
            task,
            error: errors[i] ? factsOf(errors[i]) : null,
          }));
          return { changed: operation.changed, results, operation };
        }
        const change = { run: "runTasks", archive: "archiveTasks", delete: "deleteTasks" } as const;
        const results = await inspector[change[body.action]](body.tasks);
        const changed = results.filter(({ ok }) => ok).length;
        counted(changed);
        return {
          changed,
          operation: null,
          results: results.map((result) => ({
            task: { queue: result.task.queue, id: result.task.id },
            error: result.ok ? null : factsOf(result.error),
          })),
        };
      },
    },
    "GET /api/definitions": {
      role: "view",
      handle: async ({ visitor }) => ({
        definitions: definitions.infos.filter(({ queue }) => maySee(visitor, queue ?? "default")),
      }),
    },

    "GET /api/operations": {
      role: "view",
      handle: async ({ visitor }) => ({
        operations: operations.all.flatMap((operation) => visibleOperation(operation, visitor) ?? []),
      }),
    },
    "POST /api/operations": {
      role: "operate",
      handle: async ({ body, visitor }) => {
        readFilter(body.filter, visitor, house.redaction);
        const queues = await queuesOf(visitor, body.queues);
        const { queues: _, ...order } = body;
        return operations.begin({ ...order, ...(queues && { queues }) }, visitor);
      },
    },
    "GET /api/operations/{id}": {
      role: "view",
      handle: async ({ params, visitor }) => operationFor(visitor, operations.get(params["id"] ?? "")),
    },
    "POST /api/operations/{id}/stop": {
      role: "operate",
      handle: async ({ params, visitor }) => {
        const { id } = operationFor(visitor, operations.get(params["id"] ?? ""));
        return operations.stop(id);
      },
    },
    "POST /api/operations/{id}/undo": {
      role: "operate",
      handle: async ({ params, visitor, counted }) => {
        const { id } = operationFor(visitor, operations.get(params["id"] ?? ""));
        const { operation, restored } = await operations.undo(id);
        counted(restored);
        return operation;
      },
    },

    "GET /api/servers": {
      role: "view",
      handle: async ({ visitor }) => {
        const sight = await collector.fresh();
        requireSeen(sight.engine);
        if (sight.servers === null) throw noPermission();
        return { now: sight.now, servers: visibleServers(sight.servers, visitor) };
      },
    },
    "GET /api/schedulers": {
      role: "view",
      handle: async ({ visitor }) => {
        const entries = await inspector.schedulerEntries();
        return {
          now: now(),
          entries: entries
            .filter((entry) => seesEntry(visitor, entry))
            .map((entry) => schedulerEntry(entry, now(), hiddenFrom(visitor))),
        };
      },
    },
    "POST /api/schedulers": {
      role: "operate",
      handle: async ({ body: { id = config.runtime.uuid(), ...definition }, visitor, named }) => {
        const known = await inspector.schedulerEntries();
        if (known.some((entry) => entry.id === id))
          throw new SchedulerEntryExistsError(id, "choose another id");
        named(id);
        return putEntry(id, definition, visitor);
      },
    },
    "POST /api/schedulers/{id}": {
      role: "operate",
      handle: async (call) => {
        const { id } = await storedEntryOf(call as Call<RouteName>);
        return putEntry(id, call.body, call.visitor);
      },
    },
    "DELETE /api/schedulers/{id}": {
      role: "operate",
      handle: async (call) => {
        await scheduler.remove((await storedEntryOf(call)).id);
        return null;
      },
    },
    "GET /api/spec": {
      role: "view",
      handle: async ({ query: { spec, timezone } }) => {
        const meant = explainSpec(spec, { timezone });
        const nextRuns = meant.runs(new Date(now()), RUNS).map((at) => at.getTime());
        return { now: now(), spec: meant.spec, words: meant.words ?? null, nextRuns };
      },
    },
    "GET /api/schedulers/{id}/events": {
      role: "view",
      handle: async (call) => {
        const entry = await entryOf(call as Call<RouteName>);
        const { page, page_size: pageSize } = call.query;
        return { events: await eventsOf(inspector, entry, { page, pageSize }) };
      },
    },
    "POST /api/schedulers/{id}/run": {
      role: "operate",
      handle: async (call) => {
        const { id } = await storedEntryOf(call);
        return detailOf(await scheduler.runNow(id), call.visitor);
      },
    },
    "POST /api/schedulers/{id}/pause": {
      role: "operate",
      handle: async (call) => {
        await scheduler.pause((await entryOf(call)).id);
        return null;
      },
    },
    "POST /api/schedulers/{id}/unpause": {
      role: "operate",
      handle: async (call) => {
        await scheduler.resume((await entryOf(call)).id);
        return null;
      },
    },

    "GET /api/metrics": {
      role: "view",
      handle: async ({ query: { queue, ...time }, visitor }) => {
        if (queue !== undefined) {
          seeQueue(visitor, queue);
          return metricsReport(inspector, [queue], time, now());
        }
        const { engine, rows } = await collector.fresh();
        requireSeen(engine);
        const { queues, truncated } = busiestQueues(
          [...rows.values()].filter((row) => maySee(visitor, row.queue)),
        );
        return metricsReport(inspector, queues, time, now(), truncated);
      },
    },
    "GET /api/failures": {
      role: "view",
      handle: async ({ query, visitor }) => {
        const wanted = query.queue === undefined ? undefined : [query.queue];
        const queues = (await queuesOf(visitor, wanted)) ?? (await inspector.queues());
        return listFailures(inspector, queues, now(), hiddenFrom(visitor));
      },
    },
    "GET /api/engine": {
      role: "view",
      wide: true,
      handle: async () => {
        const [{ engine: state }, report] = await Promise.all([collector.fresh(), examine()]);
        return { now: now(), engine: state, ...report };
      },
    },
    "GET /api/audit": { role: "admin", wide: true, handle: async () => ({ lines: audit.lines }) },
  };
}

function requireSeen({ status }: api.EngineState): void {
  if (status === "up") return;
  throw new HttpError(503, "ENGINE_UNAVAILABLE", "the engine cannot be reached, or did not answer in time");
}

function noPermission(): HttpError {
  return new HttpError(502, "REDIS_NO_PERMISSION", "the engine's user may not do this");
}

async function runningOn(inspector: Inspector, { queue, id }: TaskInfo): Promise<api.RunningOn | null> {
  for (const server of await inspector.servers()) {
    const worker = server.workers.find((each) => each.taskId === id && each.queue === queue);
    if (worker === undefined) continue;
    return {
      serverId: server.id,
      host: server.host,
      pid: server.pid,
      startedAt: worker.startedAt.getTime(),
      deadline: worker.deadline?.getTime() ?? null,
    };
  }
  return null;
}

/**
 * A filter, if the visitor may ask it: guessing at values that are hidden, letter by letter, would show them.
 *
 * @throws {@link HttpError} 403; {@link FilterInvalidError}
 */
function readFilter(text: string, { role }: Visitor, redaction: Redaction): Filter {
  const filter = parseFilter(text);
  if (role !== "view") return filter;
  for (const { field, path, value, contains } of filter.terms) {
    if (field !== "payload") continue;
    const whole = contains || /[*[{]/.test(value);
    if (path === undefined || whole || path.some((step) => redaction.isSecret(step))) {
      throw forbidden("with this role, payloads are searched for whole values of fields that are not hidden");
    }
  }
  return filter;
}

const STATES: Readonly<Record<api.TaskState, true>> = {
  active: true,
  pending: true,
  scheduled: true,
  retry: true,
  archived: true,
  completed: true,
  aggregating: true,
};

function statesIn(text: string | undefined): api.TaskState[] | undefined {
  return namesIn(text)?.map((name) => {
    if (!Object.hasOwn(STATES, name)) throw badRequest("expected states", "states");
    return name as api.TaskState;
  });
}

function factsOf(error: Error): api.ErrorFacts {
  return httpErrorOf(error)?.facts ?? { code: "INTERNAL", message: "this failed" };
}
