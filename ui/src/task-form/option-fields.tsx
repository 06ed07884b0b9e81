import type { ReactNode } from "react";
import { SelectField, TextField, type TextFieldProps } from "../components/field.tsx";
import type { OptionName } from "./option-texts.ts";
import styles from "./task-form.module.css";

/** What every field of a form is given. */
export interface FieldValues {
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly error: string | undefined;
}

type TextOption = Exclude<OptionName, "replaceFinished" | "headers">;

const FIELDS: Readonly<Record<TextOption, Partial<TextFieldProps> & { readonly label: string }>> = {
  maxRetry: { label: "Most retries", placeholder: "25" },
  timeout: { label: "Timeout", placeholder: "30m", hint: "How long one attempt may take." },
  retention: { label: "Retention", placeholder: "not kept", hint: "How long it is kept after success." },
  deadline: { label: "Deadline", type: "datetime-local", hint: "After this it is not tried again." },
  unique: { label: "Unique for", placeholder: "not unique", hint: "As long, an equal task is refused." },
  uniqueKey: { label: "Unique key", placeholder: "its payload", hint: "What makes it equal." },
  taskId: { label: "Task id", placeholder: "one is made", mono: true },
  group: { label: "Group", placeholder: "none", hint: "It waits there, to be aggregated." },
};

const REPLACEMENTS = [
  { value: "", label: "The new one is refused" },
  { value: "yes", label: "The old one gives way" },
] as const;

export interface OptionFieldsProps {
  readonly field: (name: OptionName) => FieldValues;
  /** What an empty field comes to, where that is not as everywhere. */
  readonly otherwise?: Readonly<Partial<Record<OptionName, string | undefined>>>;
  readonly hints?: Readonly<Partial<Record<OptionName, ReactNode>>>;
}

/** The options of a task, one field each. */
export function OptionFields({ field, otherwise = {}, hints = {} }: OptionFieldsProps) {
  const option = (name: TextOption) => (
    <OptionField name={name} {...field(name)} otherwise={otherwise[name]} hint={hints[name]} />
  );
  return (
    <div className={styles["options"]}>
      <div className={styles["pair"]}>
        {option("maxRetry")}
        {option("timeout")}
        {option("retention")}
        {option("deadline")}
        {option("unique")}
        {option("uniqueKey")}
        {option("taskId")}
        <Replacement {...field("replaceFinished")} />
        {option("group")}
      </div>
      <TextField label="Headers" mono rows={3} hint="name=value, one a line." {...field("headers")} />
    </div>
  );
}

export interface OptionFieldProps extends FieldValues {
  readonly name: TextOption;
  readonly otherwise?: string | undefined;
  readonly hint?: ReactNode;
}

/** One of them. */
export function OptionField({ name, otherwise, hint, ...field }: OptionFieldProps) {
  return (
    <TextField
      {...FIELDS[name]}
      {...(otherwise !== undefined && { placeholder: otherwise })}
      {...(hint !== undefined && { hint })}
      {...field}
    />
  );
}

function Replacement({ value, onChange, error }: FieldValues) {
  return (
    <SelectField
      label="If a task of this id has ended"
      value={value === "yes" ? "yes" : ""}
      options={REPLACEMENTS}
      onChange={onChange}
      error={error}
    />
  );
}
