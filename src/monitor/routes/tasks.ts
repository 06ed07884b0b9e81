import type { RouteName, TaskRef, TaskRoutes, TaskState } from "../api.ts";
import { tasksText } from "../audit.ts";
import { bytesOf, fileOf } from "../content.ts";
import { taskOptions } from "../enqueue-options.ts";
import { badRequest, forbidden } from "../http-error.ts";
import { namesIn } from "../request-reading.ts";
import { maySee, type Visitor } from "../scope.ts";
import type { Call, House, Rules } from "./rule.ts";
import { queueOf, queuesOf, readFilter, refOf, seeQueue } from "./scope.ts";
import { detailOf, hiddenFrom, rowOf } from "./shown.ts";

export function taskRules(house: House): Rules<TaskRoutes> {
  const { client, definitions, engine, inspector } = house;
  const now = () => engine.broker.now();
  return {
    "GET /api/queues/{queue}/tasks": {
      role: "view",
      handle: async (call) => {
        const queue = queueOf(call);
        const { state, page = 1, page_size: pageSize = 50, group } = call.query;
        const [tasks, info] = await Promise.all([
          inspector.listTasks(queue, state, { page, pageSize, group }),
          inspector.getQueueInfo(queue),
        ]);
        const rows = tasks.map((task) => rowOf(house, task, call.visitor));
        return { now: now(), tasks: rows, page, pageSize, total: group === undefined ? info[state] : null };
      },
    },
    "GET /api/queues/{queue}/tasks/{id}": {
      role: "view",
      handle: async (call) => detailOf(house, await inspector.getTaskInfo(refOf(call)), call.visitor),
    },
    "GET /api/queues/{queue}/tasks/{id}/payload": {
      role: "view",
      handle: (call) => file(house, call, "bytes"),
    },
    "GET /api/queues/{queue}/tasks/{id}/result": {
      role: "view",
      handle: (call) => file(house, call, "resultBytes"),
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
        outcome: await cancel(house, refOf(call), call.visitor),
      }),
    },
    "POST /api/queues/{queue}/tasks/{id}/payload": {
      role: "operate",
      handle: async (call) => {
        const bytes = bytesOf(call.body.payload);
        const { type } = await inspector.getTaskInfo(refOf(call));
        await definitions.check(type, bytes);
        await inspector.updateTaskPayload(refOf(call), bytes);
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
        return detailOf(house, info, call.visitor);
      },
    },
    "GET /api/tasks": {
      role: "view",
      handle: async ({ query, visitor, request }) => {
        const filter = readFilter(query.filter ?? "", visitor, house.redaction);
        const queues = await queuesOf(house, visitor, namesIn(query.queues));
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
          tasks: tasks.map((task) => rowOf(house, task, visitor)),
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
        return detailOf(house, info, visitor);
      },
    },
  };
}

async function file(house: House, call: Call<RouteName>, what: "bytes" | "resultBytes") {
  const info = await house.inspector.getTaskInfo(refOf(call));
  const { body, type, extension } = fileOf(info[what], hiddenFrom(house, call.visitor));
  return new Response(typeof body === "string" ? body : Buffer.from(body), {
    headers: { "content-type": type, "content-disposition": `attachment; filename="task.${extension}"` },
  });
}

/** Servers are told of a cancelation by the id alone, which tasks of several queues may have. */
async function cancel({ inspector }: House, task: TaskRef, visitor: Visitor) {
  const running =
    visitor.queues === null ? [] : (await inspector.servers()).flatMap(({ workers }) => workers);
  if (running.some(({ taskId, queue }) => taskId === task.id && !maySee(visitor, queue))) {
    throw forbidden(
      "the task cannot be canceled without another one of that id, in a queue that is not yours",
    );
  }
  return inspector.cancelTask(task);
}

const STATES: Readonly<Record<TaskState, true>> = {
  active: true,
  pending: true,
  scheduled: true,
  retry: true,
  archived: true,
  completed: true,
  aggregating: true,
};

function statesIn(text: string | undefined): TaskState[] | undefined {
  return namesIn(text)?.map((name) => {
    if (!Object.hasOwn(STATES, name)) throw badRequest("expected states", "states");
    return name as TaskState;
  });
}
