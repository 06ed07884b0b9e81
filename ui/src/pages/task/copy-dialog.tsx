import { type FormEvent, useId, useState } from "react";
import { isApiError } from "../../api/api-error.ts";
import { call } from "../../api/call.ts";
import type { TaskDetail } from "../../api/types.ts";
import { Banner } from "../../components/banner.tsx";
import { Button } from "../../components/button.tsx";
import { Dialog } from "../../components/dialog.tsx";
import { TextField } from "../../components/field.tsx";
import { indented } from "../../components/payload-text.ts";
import { taskKey, taskLink } from "../../components/task-columns.tsx";
import { notify } from "../../components/toast.tsx";
import { absolute } from "../../format/times.ts";
import { navigate } from "../../routing/router.tsx";
import { dropDraft, keepDraft, keptDraft } from "../../task-form/kept-draft.ts";
import { OptionFields } from "../../task-form/option-fields.tsx";
import { PayloadField } from "../../task-form/payload-field.tsx";
import { QueueField } from "../../task-form/queue-field.tsx";
import styles from "./copy-dialog.module.css";
import {
  type CopyDraft,
  type CopyErrors,
  copyRequest,
  draftOf,
  enqueueRequest,
  errorsOf,
  fieldOfComplaint,
} from "./copy-draft.ts";
import { whyNotWhole } from "./task-code.ts";

export interface CopyDialogProps {
  readonly task: TaskDetail;
  /** It is not there to be copied: what is known of it is enqueued anew. */
  readonly isGone: boolean;
  readonly onClose: () => void;
}

/** The form that enqueues a task once more, perhaps edited. What was typed survives a reload. */
export function CopyDialog({ task, isGone, onClose }: CopyDialogProps) {
  const form = useId();
  const key = `copy of ${taskKey(task)}`;
  // As it was when the form opened: the task goes on meanwhile.
  const [before] = useState(() => draftOf(task, indented));
  const [draft, setDraft] = useState(() => keptDraft(sessionStorage, key, before));
  const [said, setSaid] = useState<CopyErrors & { readonly whole?: string }>({});
  const [isSending, setSending] = useState(false);
  const [wasSent, setSent] = useState(false);
  const locked = whyNotWhole(task.payload);
  const isEdited = JSON.stringify(draft) !== JSON.stringify(before);

  const checked = locked === null ? errorsOf(draft) : errorsOf({ ...draft, kind: "text" });
  const errors: CopyErrors = { ...(wasSent && checked), ...said };
  const change = (changed: Partial<CopyDraft>) => {
    const next = { ...draft, ...changed };
    setDraft(next);
    setSaid({});
    keepDraft(sessionStorage, key, next);
  };
  const field = (name: keyof CopyDraft) => ({
    value: draft[name],
    onChange: (value: string) => change({ [name]: value }),
    error: errors[name],
  });
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
      const at = issues.length > 0 ? "payload" : fieldOfComplaint(where);
      const words = issues.map(({ path, message: each }) => (path === "" ? each : `${path}: ${each}`));
      setSaid({ [at ?? "whole"]: words.length > 0 ? words.join("; ") : message });
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
          <PayloadField draft={draft} fields={null} onChange={change} problem={errors.payload} />
        )}
        <div className={styles["pair"]}>
          <QueueField {...field("queue")} />
          <TextField label="Run in" placeholder="at once" hint="As 10m, 1h30m." {...field("processIn")} />
        </div>
        <OptionFields
          field={field}
          otherwise={{ timeout: "none" }}
          hints={{
            deadline:
              task.deadline === null
                ? undefined
                : `If it is not said: ${absolute(task.deadline)}, unless that is over.`,
          }}
        />
      </form>
    </Dialog>
  );
}
