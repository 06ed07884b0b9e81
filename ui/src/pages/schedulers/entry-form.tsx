import { type FormEvent, useId, useState } from "react";
import { isApiError } from "../../api/api-error.ts";
import { call } from "../../api/call.ts";
import type { SchedulerEntry } from "../../api/types.ts";
import { useApi } from "../../api/use-api.ts";
import { Button } from "../../components/button.tsx";
import { Dialog } from "../../components/dialog.tsx";
import { SelectField, TextField } from "../../components/field.tsx";
import { notify, notifyError } from "../../components/toast.tsx";
import { absolute } from "../../format/times.ts";
import { dropDraft, keepDraft, keptDraft } from "../../task-form/kept-draft.ts";
import { OptionField } from "../../task-form/option-fields.tsx";
import { QueueField } from "../../task-form/queue-field.tsx";
import { refreshEntries } from "./entry-actions.ts";
import { DRAFT_FIELDS, type Draft, definitionOf, draftOf, type Missed } from "./entry-draft.ts";
import styles from "./schedulers-page.module.css";

interface EntryFormProps {
  /** To be changed; left out: a new one. */
  readonly entry: SchedulerEntry | undefined;
  readonly onClose: () => void;
}

const MISSED: readonly { readonly value: Missed; readonly label: string }[] = [
  { value: "skip", label: "are left out" },
  { value: "run-once", label: "are made up for by one" },
  { value: "backfill", label: "are enqueued later" },
];

/** A periodic task that is kept in the engine. What was typed survives a reload. */
export function EntryForm({ entry, onClose }: EntryFormProps) {
  const key = entry === undefined ? "new entry" : `entry ${entry.id}`;
  const [draft, setDraft] = useState<Draft>(() =>
    keptDraft(sessionStorage, key, draftOf(entry?.definition ?? null)),
  );
  const [problem, setProblem] = useState<{
    readonly field: keyof Draft | null;
    readonly text: string;
  } | null>(null);
  const [busy, setBusy] = useState(false);
  const form = useId();
  const set = (field: keyof Draft) => (value: string) => {
    const next = { ...draft, [field]: value };
    setDraft(next);
    keepDraft(sessionStorage, key, next);
    setProblem((before) => (before?.field === field ? null : before));
  };
  const field = (name: keyof Draft) => ({
    value: draft[name],
    onChange: set(name),
    error: problem?.field === name ? problem.text : undefined,
  });

  const leave = () => {
    dropDraft(sessionStorage, key);
    onClose();
  };
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const read = definitionOf(draft, entry?.definition ?? null);
    if ("problem" in read) return setProblem(read.problem);
    setBusy(true);
    try {
      const saved =
        entry === undefined
          ? await call("POST /api/schedulers", { body: read.definition })
          : await call("POST /api/schedulers/{id}", { params: { id: entry.id }, body: read.definition });
      dropDraft(sessionStorage, key);
      refreshEntries();
      notify({ text: `${saved.type} is due ${saved.words ?? saved.spec}.` });
      onClose();
    } catch (error) {
      if (!isApiError(error)) throw error;
      const { where, message, code } = error.facts;
      const at = code === "CRON_SPEC_INVALID" ? "spec" : DRAFT_FIELDS.find((each) => where?.endsWith(each));
      if (at === undefined && error.mayPass) notifyError("Could not save it")(error);
      setProblem({ field: at ?? null, text: message });
    } finally {
      setBusy(false);
    }
  };

  return (
    <Dialog
      title={entry === undefined ? "New periodic task" : `Edit ${entry.type}`}
      size="large"
      onClose={leave}
      actions={
        <>
          <span className="spacer" />
          <Button onClick={leave}>Cancel</Button>
          <Button look="primary" type="submit" form={form} busy={busy}>
            Save
          </Button>
        </>
      }
    >
      <form id={form} className={styles["form"]} onSubmit={(event) => void submit(event)}>
        <div className={styles["pair"]}>
          <TextField
            label="Spec"
            mono
            autoFocus
            {...field("spec")}
            placeholder="0 9 * * MON-FRI"
            hint={<Meaning spec={draft.spec} timezone={draft.timezone} />}
          />
          <TextField label="Time zone" {...field("timezone")} placeholder="UTC" hint="As Europe/Rome." />
        </div>
        <div className={styles["pair"]}>
          <TextField label="Type" {...field("type")} placeholder="report:daily" />
          <QueueField {...field("queue")} />
        </div>
        <TextField label="Payload" mono rows={5} {...field("payload")} hint="JSON, or nothing." />
        <div className={styles["pair"]}>
          <OptionField name="maxRetry" {...field("maxRetry")} />
          <OptionField name="timeout" {...field("timeout")} />
        </div>
        <div className={styles["pair"]}>
          <SelectField
            label="Ticks that nobody was there for"
            value={draft.missed}
            onChange={set("missed")}
            options={MISSED}
          />
          {draft.missed === "backfill" && <TextField label="How many, at most" {...field("backfill")} />}
        </div>
        {problem?.field === null && (
          <p className="bad anywhere" role="alert">
            {problem.text}
          </p>
        )}
      </form>
    </Dialog>
  );
}

/** What a spec means, while it is written. */
function Meaning({ spec, timezone }: { readonly spec: string; readonly timezone: string }) {
  const query = timezone.trim() === "" ? { spec } : { spec, timezone: timezone.trim() };
  const { data, error } = useApi("GET /api/spec", { query }, { enabled: spec.trim() !== "", keep: false });
  if (spec.trim() === "") return <>Five fields, @every 1h, or @daily.</>;
  if (error !== null) return <span className="bad">{error.message}</span>;
  if (data === undefined) return <>…</>;
  const [next] = data.nextRuns;
  return (
    <>
      {data.words !== null && `${data.words}; `}
      {next === undefined ? "never" : `next ${absolute(next)}`}
    </>
  );
}
