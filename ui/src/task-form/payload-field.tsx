import { useState } from "react";
import type { PayloadIssue } from "../api/types.ts";
import { TextField } from "../components/field.tsx";
import { SegmentButtons } from "../components/segments.tsx";
import type { PayloadText } from "./payload-text.ts";
import { SchemaFields } from "./schema-fields.tsx";
import type { SchemaField } from "./schema-form.ts";
import styles from "./task-form.module.css";

export interface PayloadFieldProps {
  readonly draft: PayloadText;
  /** Of the type's schema; `null`: it has none. */
  readonly fields: readonly SchemaField[] | null;
  readonly onChange: (change: Partial<PayloadText>) => void;
  readonly problem: string | undefined;
  /** What the schema says of it. */
  readonly issues?: readonly PayloadIssue[];
  /** Problems of fields are shown: somebody has tried to send. */
  readonly isTried?: boolean;
  /** Whether fields are missing, or cannot be understood. */
  readonly onGaps?: (has: boolean) => void;
}

const KINDS = [
  { value: "json", label: "JSON" },
  { value: "text", label: "Text" },
  { value: "hex", label: "Bytes" },
] as const;
const HINTS = {
  json: "JSON, or nothing.",
  text: "Text as it is, in UTF-8.",
  hex: "Hexadecimal digits; spaces do not matter.",
} as const;

/** The payload: by fields where its schema is known, or as it is. */
export function PayloadField(props: PayloadFieldProps) {
  const { draft, fields, onChange, problem, issues = [] } = props;
  const [wantsText, setWantsText] = useState(false);
  const byFields = fields !== null && draft.kind === "json" && !wantsText;
  const rows = Math.min(24, Math.max(8, draft.payload.split("\n").length + 1));
  return (
    <div className={styles["payload"]}>
      <div className={styles["payload-head"]}>
        <h2>Payload</h2>
        {fields !== null ? (
          <SegmentButtons
            label="How to write it"
            options={[{ value: "fields", label: "Fields" } as const, ...KINDS]}
            value={byFields ? "fields" : draft.kind}
            onChange={(way) => {
              setWantsText(way !== "fields");
              onChange({ kind: way === "fields" ? "json" : way });
            }}
          />
        ) : (
          <SegmentButtons
            label="How it is written"
            options={KINDS}
            value={draft.kind}
            onChange={(kind) => onChange({ kind })}
          />
        )}
      </div>
      {byFields ? (
        <SchemaFields {...props} fields={fields} />
      ) : (
        <TextField
          label={<span className="hidden">Payload</span>}
          mono
          rows={rows}
          value={draft.payload}
          onChange={(payload) => onChange({ payload })}
          error={problem ?? (issues.length > 0 && <Issues issues={issues} />)}
          hint={HINTS[draft.kind]}
        />
      )}
    </div>
  );
}

function Issues({ issues }: { readonly issues: readonly PayloadIssue[] }) {
  return (
    <ul>
      {issues.map(({ path, message }) => (
        <li key={`${path} ${message}`} className="anywhere">
          {path !== "" && <code>{path}: </code>}
          {message}
        </li>
      ))}
    </ul>
  );
}
