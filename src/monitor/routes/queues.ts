import type { QueueRoutes } from "../api.ts";
import { badRequest, HttpError } from "../http-error.ts";
import { maySee } from "../scope.ts";
import type { House, Rules } from "./rule.ts";
import { queueOf } from "./scope.ts";
import { requireSeen } from "./shown.ts";

export function queueRules(house: House): Rules<QueueRoutes> {
  const { inspector, collector, operations } = house;
  return {
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
  };
}
