import { type Filter, parseFilter } from "../../index.ts";
import type { RouteName, TaskRef } from "../api.ts";
import { forbidden, HttpError } from "../http-error.ts";
import type { Redaction } from "../redaction.ts";
import { maySee, type Visitor } from "../scope.ts";
import type { Call, House } from "./rule.ts";

type Asked = Pick<Call<RouteName>, "visitor" | "params">;

/** @throws {@link HttpError} to this visitor, there is no such queue. */
export function seeQueue(visitor: Visitor, queue: string): void {
  if (!maySee(visitor, queue)) throw new HttpError(404, "QUEUE_NOT_FOUND", "there is no such queue");
}

/** The queue of a path. */
export function queueOf({ visitor, params }: Asked): string {
  const queue = params["queue"] ?? "";
  seeQueue(visitor, queue);
  return queue;
}

/** The task of a path. */
export function refOf(call: Asked): TaskRef {
  return { queue: queueOf(call), id: call.params["id"] ?? "" };
}

/** The queues that a visitor means; `undefined`: all there are. */
export async function queuesOf(
  { inspector }: House,
  visitor: Visitor,
  wanted: readonly string[] | undefined,
): Promise<string[] | undefined> {
  for (const queue of wanted ?? []) seeQueue(visitor, queue);
  if (wanted !== undefined || visitor.queues === null) return wanted && [...wanted];
  return (await inspector.queues()).filter((queue) => maySee(visitor, queue));
}

/**
 * A filter, if the visitor may ask it: guessing at values that are hidden, letter by letter, would show them.
 *
 * @throws {@link HttpError} 403; {@link FilterInvalidError}
 */
export function readFilter(text: string, { role }: Visitor, redaction: Redaction): Filter {
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
