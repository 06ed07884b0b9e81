import { useEffect, useRef, useState } from "react";
import { SelectField, TextField } from "../components/field.tsx";
import type { PayloadFieldProps } from "./payload-field.tsx";
import { fieldKey, parsed, readFields, type SchemaField, textsOf } from "./schema-form.ts";
import styles from "./task-form.module.css";

type SchemaFieldsProps = PayloadFieldProps & { readonly fields: readonly SchemaField[] };

/** One field for each value that the schema knows. The payload is what they say. */
export function SchemaFields({
  draft,
  fields,
  onChange,
  problem,
  issues = [],
  isTried = false,
  onGaps,
}: SchemaFieldsProps) {
  const before = parsed(draft.payload) ?? {};
  const [texts, setTexts] = useState(() => textsOf(fields, before));
  const written = useRef(draft.payload);
  // It was changed elsewhere: cleared, or written as JSON.
  useEffect(() => {
    if (draft.payload === written.current) return;
    written.current = draft.payload;
    setTexts(textsOf(fields, parsed(draft.payload) ?? {}));
  }, [draft.payload, fields]);
  const { problems } = readFields(fields, texts, before);
  const hasGaps = Object.keys(problems).length > 0;
  useEffect(() => {
    onGaps?.(hasGaps);
    return () => onGaps?.(false);
  }, [hasGaps, onGaps]);
  const set = (key: string) => (text: string) => {
    const next = { ...texts, [key]: text };
    setTexts(next);
    const { value } = readFields(fields, next, before);
    written.current = Object.keys(value).length === 0 ? "" : JSON.stringify(value, null, 2);
    onChange({ payload: written.current });
  };
  const errorAt = (key: string) => {
    const issue = issues.find(
      ({ path }) => path === key || path.startsWith(`${key}[`) || path.startsWith(`${key}.`),
    );
    return (isTried || texts[key] ? problems[key] : undefined) ?? issue?.message;
  };
  const homeless = issues.filter(
    ({ path }) => !fields.some((field) => path.startsWith(fieldKey(field.path))),
  );
  return (
    <div className="stack">
      {fields.map((field) => {
        const key = fieldKey(field.path);
        return (
          <OneField
            key={key}
            field={field}
            value={texts[key] ?? ""}
            onChange={set(key)}
            error={errorAt(key)}
          />
        );
      })}
      {(problem !== undefined || homeless.length > 0) && (
        <p className="bad small anywhere" role="alert">
          {problem ?? homeless.map(({ path, message }) => `${path} ${message}`.trim()).join("; ")}
        </p>
      )}
    </div>
  );
}

interface OneFieldProps {
  readonly field: SchemaField;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly error: string | undefined;
}

function OneField({ field, value, onChange, error }: OneFieldProps) {
  const { path, kind, isRequired, choices, hint, otherwise } = field;
  const label = (
    <>
      {path.join(" / ")} {!isRequired && <span className={styles["optional"]}>optional</span>}
    </>
  );
  if (kind === "choice" || kind === "boolean") {
    const values = kind === "boolean" ? ["true", "false"] : choices;
    const nothing =
      otherwise !== null ? `${shown(otherwise)}, if not said` : isRequired ? "Choose one" : "Not said";
    return (
      <SelectField
        label={label}
        hint={hint}
        error={error}
        value={value}
        onChange={onChange}
        options={[
          { value: "", label: nothing },
          ...values.map((each) => ({ value: each, label: shown(each) })),
        ]}
      />
    );
  }
  return (
    <TextField
      label={label}
      hint={hint}
      error={error}
      value={value}
      onChange={onChange}
      mono={kind === "json"}
      rows={kind === "json" ? 2 : 1}
      {...(otherwise !== null && { placeholder: shown(otherwise) })}
    />
  );
}

/** Text without its quotes. */
function shown(json: string): string {
  const value = parsed(json);
  return typeof value === "string" ? value : json;
}
