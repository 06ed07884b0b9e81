import { call } from "../../api/call.ts";
import { queryClient } from "../../api/query-client.ts";
import type { SchedulerEntry } from "../../api/types.ts";
import { confirm } from "../../components/confirm.tsx";
import { notify, notifyError } from "../../components/toast.tsx";
import { link } from "../../routing/location.ts";
import { navigate } from "../../routing/router.tsx";

/** What is shown of entries is out of date. */
export function refreshEntries(): void {
  void queryClient.invalidateQueries({ queryKey: ["GET /api/schedulers"] });
  void queryClient.invalidateQueries({ queryKey: ["GET /api/schedulers/{id}/events"] });
}

export function runNow({ id, type }: SchedulerEntry): void {
  call("POST /api/schedulers/{id}/run", { params: { id } }).then(
    (task) => {
      refreshEntries();
      const open = () => navigate(link`/queues/${task.queue}/tasks/${task.id}`);
      notify({ text: `${type} is enqueued.`, action: { label: "Open", run: open } });
    },
    notifyError(`Could not enqueue ${type}`),
  );
}

export function pauseEntry({ id, type }: SchedulerEntry): void {
  call("POST /api/schedulers/{id}/pause", { params: { id } }).then(
    () => {
      refreshEntries();
      notify({ text: `${type} is paused.` });
    },
    notifyError(`Could not pause ${type}`),
  );
}

export function resumeEntry({ id, type }: SchedulerEntry): void {
  call("POST /api/schedulers/{id}/unpause", { params: { id } }).then(
    () => {
      refreshEntries();
      notify({ text: `${type} goes on.` });
    },
    notifyError(`Could not resume ${type}`),
  );
}

/** Tells whether it is gone. */
export async function removeEntry({ id, type, words, spec }: SchedulerEntry): Promise<boolean> {
  const yes = await confirm({
    title: `Remove ${type}, ${words ?? spec}?`,
    body: "It is enqueued no more. Tasks that it has enqueued stay.",
    verb: "Remove entry",
  });
  if (!yes) return false;
  return call("DELETE /api/schedulers/{id}", { params: { id } }).then(
    () => {
      refreshEntries();
      notify({ text: `${type} is removed.` });
      return true;
    },
    (error: unknown) => {
      notifyError(`Could not remove ${type}`)(error);
      return false;
    },
  );
}
