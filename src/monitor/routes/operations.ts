import type { Operation, OperationRoutes } from "../api.ts";
import { orderText } from "../audit.ts";
import { forbidden, HttpError } from "../http-error.ts";
import { mayAct, type Visitor } from "../scope.ts";
import { visibleOperation } from "../view.ts";
import type { House, Rules } from "./rule.ts";
import { queuesOf, readFilter } from "./scope.ts";

export function operationRules(house: House): Rules<OperationRoutes> {
  const { operations } = house;
  return {
    "GET /api/operations": {
      role: "view",
      handle: async ({ visitor }) => ({
        operations: operations.all.flatMap((operation) => visibleOperation(operation, visitor) ?? []),
      }),
    },
    "POST /api/operations": {
      role: "operate",
      handle: async ({ body, visitor, named }) => {
        readFilter(body.filter, visitor, house.redaction);
        named(orderText(body));
        const queues = await queuesOf(house, visitor, body.queues);
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
        const { id, action } = operationFor(visitor, operations.get(params["id"] ?? ""));
        if (action === "delete-queue" && !mayAct(visitor, "admin")) {
          throw forbidden("whoever may not delete a queue may not stop its deletion either");
        }
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
  };
}

function operationFor(visitor: Visitor, operation: Operation) {
  const visible = visibleOperation(operation, visitor);
  if (visible === undefined) throw new HttpError(404, "NOT_FOUND", "there is no such operation (any more)");
  return visible;
}
