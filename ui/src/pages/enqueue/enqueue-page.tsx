import { type FormEvent, useEffect, useMemo, useState } from "react";
import { type ApiError, isApiError } from "../../api/api-error.ts";
import { call } from "../../api/call.ts";
import { useMay } from "../../api/session.tsx";
import type { DefinitionInfo, TaskDetail } from "../../api/types.ts";
import { useApi } from "../../api/use-api.ts";
import { lookAnew } from "../../bulk/task-actions.ts";
import { Banner } from "../../components/banner.tsx";
import { Button } from "../../components/button.tsx";
import { EmptyState } from "../../components/empty-state.tsx";
import { SelectField, TextField } from "../../components/field.tsx";
import { Page } from "../../components/page.tsx";
import { StateBadge } from "../../components/state-badge.tsx";
import { taskLink } from "../../components/task-columns.tsx";
import { Link, useSearch } from "../../routing/router.tsx";
import { type FieldValues, OptionFields } from "../../task-form/option-fields.tsx";
import { OPTION_NAMES } from "../../task-form/option-texts.ts";
import { PayloadField } from "../../task-form/payload-field.tsx";
import { QueueField } from "../../task-form/queue-field.tsx";
import { schemaFields } from "../../task-form/schema-form.ts";
import {
  type DraftField,
  dropDraft,
  EMPTY_DRAFT,
  type EnqueueDraft,
  fieldOfComplaint,
  keepDraft,
  keptDraft,
  problemsOf,
  requestOf,
} from "./enqueue-draft.ts";
import styles from "./enqueue-page.module.css";

/** Puts a task in its queue by hand. */
export default function EnqueuePage() {
  const operate = useMay("operate");
  return (
    <Page title="Enqueue a task">
      {operate.hidden ? (
        <EmptyState title="Nothing can be enqueued from here.">{operate.reason}</EmptyState>
      ) : (
        <EnqueueForm />
      )}
    </Page>
  );
}

function EnqueueForm() {
  const [search] = useSearch();
  const operate = useMay("operate");
  const { data } = useApi("GET /api/definitions", {});
  const definitions = data?.definitions ?? NO_DEFINITIONS;
  const [draft, setDraft] = useState(() => withAsked(keptDraft(sessionStorage), search));
  const [isTried, setTried] = useState(false);
  const [refused, setRefused] = useState<ApiError | null>(null);
  const [made, setMade] = useState<TaskDetail | null>(null);
  const [isBusy, setBusy] = useState(false);
  const [hasGaps, setGaps] = useState(false);
  useEffect(() => keepDraft(sessionStorage, draft), [draft]);

  const definition = definitions.find(({ type }) => type === draft.type.trim());
  const fields = useMemo(() => schemaFields(definition?.schema), [definition]);
  const problems = problemsOf(draft);
  const complaint = refused === null ? null : fieldOfComplaint(refused.facts);
  const errorAt = (field: DraftField) =>
    (isTried ? problems[field] : undefined) ?? (complaint === field ? refused?.message : undefined);
  const change = (changed: Partial<EnqueueDraft>) => {
    setDraft((before) => ({ ...before, ...changed }));
    setRefused(null);
  };
  const field = (name: DraftField) => ({
    value: draft[name],
    onChange: (value: string) => change({ [name]: value }),
    error: errorAt(name),
  });

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    setMade(null);
    if (Object.keys(problems).length > 0 || hasGaps) return;
    setBusy(true);
    try {
      setMade(await call("POST /api/tasks", { body: requestOf(draft, definition?.queue ?? null) }));
      setTried(false);
      setRefused(null);
      // The same id once more would be refused.
      setDraft((before) => ({ ...before, taskId: "" }));
      lookAnew();
    } catch (error) {
      if (!isApiError(error)) throw error;
      setRefused(error);
    } finally {
      setBusy(false);
    }
  };
  const clear = () => {
    setDraft(EMPTY_DRAFT);
    setTried(false);
    setRefused(null);
    setMade(null);
    dropDraft(sessionStorage);
  };

  return (
    <form className={styles["form"]} onSubmit={(event) => void submit(event)} noValidate>
      {made !== null && <Made task={made} />}
      <div className={styles["pair"]}>
        <TextField
          label="Type"
          placeholder="email:welcome"
          autoFocus={draft.type === ""}
          suggestions={definitions.map(({ type }) => type)}
          hint={<TypeHint definition={definition} count={definitions.length} />}
          {...field("type")}
        />
        <QueueField {...field("queue")} otherwise={definition?.queue ?? definition?.options.queue} />
      </div>
      <PayloadField
        key={definition?.type ?? ""}
        draft={draft}
        fields={fields}
        onChange={change}
        problem={errorAt("payload")}
        issues={refused?.facts.issues ?? []}
        isTried={isTried}
        onGaps={setGaps}
      />
      <When draft={draft} change={change} field={field} />
      <Options draft={draft} field={field} definition={definition} problems={problems} isTried={isTried} />
      {refused !== null && complaint === null && (
        <Banner tone="bad">
          Could not enqueue it: {refused.message}
          {refused.facts.hint !== undefined && `. ${refused.facts.hint}`}
        </Banner>
      )}
      <div className={styles["foot"]}>
        <Button type="submit" look="primary" may={operate} busy={isBusy}>
          Enqueue
        </Button>
        <Button look="quiet" onClick={clear}>
          Clear
        </Button>
        {isTried && (Object.keys(problems).length > 0 || hasGaps) && (
          <span className="bad">Something is missing above.</span>
        )}
      </div>
    </form>
  );
}

const NO_DEFINITIONS: readonly DefinitionInfo[] = [];

/** A link may say where to; what was being written stays. */
function withAsked(draft: EnqueueDraft, search: URLSearchParams): EnqueueDraft {
  return {
    ...draft,
    type: search.get("type") ?? draft.type,
    queue: search.get("queue") ?? draft.queue,
  };
}

function Made({ task }: { readonly task: TaskDetail }) {
  const { type, id, queue, state } = task;
  return (
    <Banner tone="info">
      <span className="row wrap">
        <StateBadge state={state} />
        <span className="anywhere">
          <Link to={taskLink(task)} className="medium">
            {type} {id}
          </Link>{" "}
          is in {queue}.
        </span>
      </span>
    </Banner>
  );
}

function TypeHint({
  definition,
  count,
}: {
  readonly definition: DefinitionInfo | undefined;
  readonly count: number;
}) {
  if (definition === undefined) return count > 0 ? "Those that are defined come with a form." : null;
  return definition.payload === "none"
    ? "Defined, and takes any payload."
    : "Defined: its payload is checked before it is enqueued.";
}

interface PartProps {
  readonly draft: EnqueueDraft;
  readonly field: (name: DraftField) => FieldValues;
}

const WHENS = [
  { value: "now", label: "Now" },
  { value: "in", label: "In a while" },
  { value: "at", label: "At a time" },
] as const;

function When({
  draft,
  field,
  change,
}: PartProps & { readonly change: (to: Partial<EnqueueDraft>) => void }) {
  return (
    <div className={styles["pair"]}>
      <SelectField label="When" value={draft.when} options={WHENS} onChange={(when) => change({ when })} />
      {draft.when === "in" && (
        <TextField label="How long from now" placeholder="10m" {...field("processIn")} />
      )}
      {draft.when === "at" && (
        <TextField
          label="At"
          type="datetime-local"
          hint={`By this browser's clock, ${Intl.DateTimeFormat().resolvedOptions().timeZone}.`}
          {...field("processAt")}
        />
      )}
    </div>
  );
}

interface OptionsProps extends PartProps {
  readonly definition: DefinitionInfo | undefined;
  readonly problems: ReturnType<typeof problemsOf>;
  readonly isTried: boolean;
}

function Options({ draft, field, definition, problems, isTried }: OptionsProps) {
  const set = OPTION_NAMES.filter((name) => draft[name].trim() !== "");
  const [isOpen, setOpen] = useState(set.length > 0);
  const isWrong = isTried && OPTION_NAMES.some((name) => problems[name] !== undefined);
  const { maxRetry, timeout, retention, unique, uniqueKey, group } = definition?.options ?? {};
  return (
    <details
      className={styles["more"]}
      open={isOpen || isWrong}
      onToggle={(event) => setOpen(event.currentTarget.open)}
    >
      <summary>Options {set.length > 0 && <span className="muted">({set.length} set)</span>}</summary>
      <div className={styles["options"]}>
        <OptionFields
          field={field}
          otherwise={{
            maxRetry: maxRetry?.toString(),
            timeout: timeout?.toString(),
            retention: retention?.toString(),
            unique: unique?.toString(),
            uniqueKey,
            group,
          }}
        />
      </div>
    </details>
  );
}
