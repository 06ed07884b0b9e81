import type { Health, QueueRow } from "../../api/types.ts";
import { byText } from "../../components/stable-order.ts";

/** Queues as somebody on call wants them: those in trouble first, then by priority, then by name. */
export function byAttention(health: Health): (a: QueueRow, b: QueueRow) => number {
  const places = new Map<string, number>();
  for (const [at, { queue }] of health.findings.entries()) {
    if (queue !== null && !places.has(queue)) places.set(queue, at);
  }
  const placeOf = ({ queue }: QueueRow) => places.get(queue) ?? health.findings.length;
  const name = byText<QueueRow>(({ queue }) => queue);
  return (a, b) => placeOf(a) - placeOf(b) || (b.priority ?? -1) - (a.priority ?? -1) || name(a, b);
}
