import type { ChangeRoutes, ErrorFacts } from "../api.ts";
import { tasksText } from "../audit.ts";
import { httpErrorOf } from "../error-answer.ts";
import { badRequest } from "../http-error.ts";
import type { House, Rules } from "./rule.ts";
import { seeQueue } from "./scope.ts";

export function changeRules(house: House): Rules<ChangeRoutes> {
  const { inspector, operations } = house;
  return {
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
  };
}

function factsOf(error: Error): ErrorFacts {
  return httpErrorOf(error)?.facts ?? { code: "INTERNAL", message: "this failed" };
}
