import { type FormEvent, useId, useMemo, useState } from "react";
import { isApiError } from "../../api/api-error.ts";
import { call } from "../../api/call.ts";
import type { TaskDetail } from "../../api/types.ts";
import { Banner } from "../../components/banner.tsx";
import { Button } from "../../components/button.tsx";
import { Dialog } from "../../components/dialog.tsx";
import { SelectField, TextField } from "../../components/field.tsx";
import { indented } from "../../components/payload-text.ts";
import { taskKey, taskLink } from "../../components/task-columns.tsx";
import { notify } from "../../components/toast.tsx";
import { useLive } from "../../live/live.ts";
import { navigate } from "../../routing/router.tsx";
import styles from "./copy-dialog.module.css";
import {
  type CopyDraft,
  type CopyErrors,
  copyRequest,
  draftOf,
  dropDraft,
  enqueueRequest,
  errorsOf,
  fieldOfComplaint,
  keepDraft,
  keptDraft,
} from "./copy-draft.ts";
import { whyNotWhole } from "./task-code.ts";

export interface CopyDialogProps {
  readonly task: TaskDetail;
  /** It is not there to be copied: what is known of it is enqueued anew. */
  readonly isGone: boolean;
  readonly onClose: () => void;
}

const KINDS = [
  { value: "json", label: "JSON" },
  { value: "text", label: "Text" },
  { value: "hex", label: "Bytes, as hex" },
  { value: "none", label: "Nothing" },
] as const;

/** The form that enqueues a task once more, perhaps edited. What was typed survives a reload. */
export function CopyDialog({ task, isGone, onClose }: CopyDialogProps) {
  const form = useId();
  const key = taskKey(task);
  // As it was when the form opened: the task goes on meanwhile.
  const [before] = useState(() => draftOf(task, indented));
  const [draft, setDraft] = useState(() => keptDraft(sessionStorage, key, before));
  const [said, setSaid] = useState<CopyErrors & { readonly whole?: string }>({});
  const [isSending, setSending] = useState(false);
  const [wasSent, setSent] = useState(false);
  const queues = useLive(({ data }) => data?.overview?.queues);
  const names = useMemo(() => [...(queues?.keys() ?? [])], [queues]);
  const locked = whyNotWhole(task.payload);
  const isEdited = JSON.stringify(draft) !== JSON.stringify(before);

  const checked = locked === null ? errorsOf(draft) : errorsOf({ ...draft, kind: "none" });
  const errors: CopyErrors = { ...(wasSent && checked), ...said };
  const set = (field: keyof CopyDraft) => (value: string) => {
    const next = { ...draft, [field]: value };
    setDraft(next);
    setSaid({});
    keepDraft(sessionStorage, key, next);
  };
  const reset = () => {
    setDraft(before);
    setSaid({});
    dropDraft(sessionStorage, key);
  };
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setSent(true);
    if (Object.keys(checked).length > 0) return;
    setSending(true);
    try {
      const { queue, id } = task;
      const made = isGone
        ? await call("POST /api/tasks", { body: enqueueRequest(draft, task.type) })
        : await call("POST /api/queues/{queue}/tasks/{id}/copy", {
            params: { queue, id },
            body: copyRequest(draft, before),
          });
      dropDraft(sessionStorage, key);
      notify({ text: `${made.type} is enqueued in ${made.queue}.` });
      navigate(taskLink(made));
    } catch (error) {
      if (!isApiError(error)) throw error;
      const { where, message, issues = [] } = error.facts;
      const field = issues.length > 0 ? "payload" : fieldOfComplaint(where);
      const words = issues.map(({ path, message: each }) => (path === "" ? each : `${path}: ${each}`));
      setSaid({ [field ?? "whole"]: words.length > 0 ? words.join("; ") : message });
      setSending(false);
    }
  };
  return (
    <Dialog
      title={isGone ? `Enqueue ${task.type} again` : `Copy of ${task.type}`}
      size="large"
      onClose={onClose}
      actions={
        <>
          {isEdited && (
            <Button look="quiet" onClick={reset}>
              As it was
            </Button>
          )}
          <span className="spacer" />
          <Button onClick={onClose}>Cancel</Button>
          <Button
            type="submit"
            form={form}
            look="primary"
            busy={isSending}
            disabled={isGone && locked !== null}
            {...(isGone && locked !== null && { title: locked })}
          >
            {draft.processIn.trim() === "" ? "Run the copy" : "Schedule the copy"}
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={(event) => void submit(event)} className="stack" noValidate>
        {said.whole !== undefined && <Banner tone="bad">{said.whole}</Banner>}
        {locked !== null ? (
          <Banner tone="info">
            {locked} {isGone ? "So it cannot be enqueued again from here." : "The copy keeps it as it is."}
          </Banner>
        ) : (
          <>
            <div className={styles["kind"]}>
              <SelectField label="Payload" value={draft.kind} options={KINDS} onChange={set("kind")} />
            </div>
            {draft.kind !== "none" && (
              <TextField
                label={<span className="hidden">Payload</span>}
                rows={draft.payload.split("\n").length > 8 ? 14 : 8}
                mono
                value={draft.payload}
                onChange={set("payload")}
                error={errors.payload}
              />
            )}
          </>
        )}
        <div className={styles["fields"]}>
          <TextField
            label="Queue"
            value={draft.queue}
            onChange={set("queue")}
            suggestions={names}
            error={errors.queue}
          />
          <TextField
            label="Run in"
            value={draft.processIn}
            onChange={set("processIn")}
            placeholder="at once"
            hint="As 10m, 1h30m"
            error={errors.processIn}
          />
          <TextField
            label="Retries"
            value={draft.maxRetry}
            onChange={set("maxRetry")}
            error={errors.maxRetry}
          />
          <TextField
            label="Timeout"
            value={draft.timeout}
            onChange={set("timeout")}
            placeholder="none"
            error={errors.timeout}
          />
          <TextField
            label="Retention"
            value={draft.retention}
            onChange={set("retention")}
            placeholder="not kept after success"
            error={errors.retention}
          />
          <TextField
            label="Unique for"
            value={draft.unique}
            onChange={set("unique")}
            placeholder="no lock"
            hint="Refuses an equal task for so long"
            error={errors.unique}
          />
          <TextField
            label="Id"
            value={draft.id}
            onChange={set("id")}
            placeholder="made anew"
            mono
            error={errors.id}
          />
          <TextField
            label="Group"
            value={draft.group}
            onChange={set("group")}
            placeholder="none"
            error={errors.group}
          />
        </div>
        <TextField
          label="Headers"
          rows={Math.max(2, Math.min(6, draft.headers.split("\n").length))}
          mono
          value={draft.headers}
          onChange={set("headers")}
          placeholder="name=value"
          error={errors.headers}
        />
      </form>
    </Dialog>
  );
}
