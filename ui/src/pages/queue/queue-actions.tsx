import { isApiError } from "../../api/api-error.ts";
import { call } from "../../api/call.ts";
import { ended } from "../../api/operation.ts";
import type { QueueRow } from "../../api/types.ts";
import { confirm } from "../../components/confirm.tsx";
import { notify, notifyError } from "../../components/toast.tsx";
import { plural } from "../../format/numbers.ts";
import { navigate } from "../../routing/router.tsx";

export function pauseQueue(queue: string): void {
  call("POST /api/queues/{queue}/pause", { params: { queue } }).then(
    () => notify({ text: `${queue} is paused.`, action: { label: "Resume", run: () => resumeQueue(queue) } }),
    notifyError(`Could not pause ${queue}`),
  );
}

export function resumeQueue(queue: string): void {
  call("POST /api/queues/{queue}/unpause", { params: { queue } }).then(
    () => notify({ text: `${queue} goes on.` }),
    notifyError(`Could not resume ${queue}`),
  );
}

/** Asks for the name, and deletes the queue with all that is in it. */
export async function deleteQueue({ queue, size, active }: QueueRow): Promise<void> {
  const yes = await confirm({
    title: size === 0 ? `Delete queue ${queue}?` : `Delete queue ${queue} and its ${plural(size, "task")}?`,
    body: (
      <>
        This cannot be undone.
        {active > 0 &&
          ` ${plural(active, "task")} of it ${active === 1 ? "is" : "are"} running: that has to end first.`}
      </>
    ),
    verb: "Delete queue",
    typed: queue,
  });
  if (!yes) return;
  try {
    const operation = await call("DELETE /api/queues/{queue}", {
      params: { queue },
      body: { confirm: queue, force: size > 0 },
    });
    navigate("/queues");
    const { status, error, changed } = await ended(operation);
    if (status === "done") notify({ text: `${queue} is deleted, with ${plural(changed, "task")}.` });
    else notify({ text: `${queue} was not deleted: ${error?.message ?? status}`, tone: "bad" });
  } catch (error) {
    if (!isApiError(error)) throw error;
    notifyError(`Could not delete ${queue}`)(error);
  }
}
