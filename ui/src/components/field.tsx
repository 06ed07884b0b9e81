import { type ReactNode, useId } from "react";
import { classes } from "./classes.ts";
import styles from "./field.module.css";

interface FieldShared {
  readonly label: ReactNode;
  /** What it is for, or in which form: below the field. */
  readonly hint?: ReactNode;
  /** What is wrong with it: in place of the hint. */
  readonly error?: ReactNode;
}

export interface TextFieldProps extends FieldShared {
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly placeholder?: string;
  readonly mono?: boolean;
  readonly autoFocus?: boolean;
  /** @defaultValue "text" */
  readonly type?: "text" | "datetime-local";
  readonly disabled?: boolean;
  /** More than one: a text area. @defaultValue 1 */
  readonly rows?: number;
  /** Ids of values to choose from. */
  readonly suggestions?: readonly string[];
}

/** One line of text, or more, with its label above and what is wrong below. */
export function TextField({
  label,
  hint,
  error,
  value,
  onChange,
  mono = false,
  rows = 1,
  suggestions,
  ...rest
}: TextFieldProps) {
  const id = useId();
  const shared = {
    id,
    value,
    className: classes(styles["input"], mono && "mono"),
    "aria-invalid": error ? true : undefined,
    "aria-describedby": `${id}-below`,
    autoComplete: "off",
    spellCheck: false,
    ...rest,
  };
  return (
    <div className={styles["field"]}>
      <label htmlFor={id}>{label}</label>
      {rows > 1 ? (
        <textarea {...shared} rows={rows} onChange={(event) => onChange(event.target.value)} />
      ) : (
        <input
          {...shared}
          list={suggestions === undefined ? undefined : `${id}-list`}
          onChange={(event) => onChange(event.target.value)}
        />
      )}
      {suggestions !== undefined && (
        <datalist id={`${id}-list`}>
          {suggestions.map((each) => (
            <option key={each} value={each} />
          ))}
        </datalist>
      )}
      <Below id={`${id}-below`} hint={hint} error={error} />
    </div>
  );
}

export interface SelectFieldProps<T extends string> extends FieldShared {
  readonly value: T;
  readonly onChange: (value: T) => void;
  readonly options: readonly { readonly value: T; readonly label: string }[];
  readonly disabled?: boolean;
}

/** One of a few. */
export function SelectField<T extends string>({
  label,
  hint,
  error,
  value,
  onChange,
  options,
  disabled,
}: SelectFieldProps<T>) {
  const id = useId();
  return (
    <div className={styles["field"]}>
      <label htmlFor={id}>{label}</label>
      <select
        id={id}
        className={styles["input"]}
        value={value}
        disabled={disabled}
        aria-invalid={error ? true : undefined}
        aria-describedby={`${id}-below`}
        onChange={(event) => {
          const chosen = options.find((option) => option.value === event.target.value);
          if (chosen !== undefined) onChange(chosen.value);
        }}
      >
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
      <Below id={`${id}-below`} hint={hint} error={error} />
    </div>
  );
}

function Below({
  id,
  hint,
  error,
}: {
  readonly id: string;
  readonly hint?: ReactNode;
  readonly error?: ReactNode;
}) {
  return (
    <div
      id={id}
      className={classes(styles["below"], error ? "bad" : "muted")}
      role={error ? "alert" : undefined}
    >
      {error || hint}
    </div>
  );
}
