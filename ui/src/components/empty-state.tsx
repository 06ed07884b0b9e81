import type { ReactNode } from "react";
import { isApiError } from "../api/api-error.ts";
import { Button } from "./button.tsx";
import { CopyButton } from "./copy-button.tsx";
import styles from "./empty-state.module.css";

export interface EmptyStateProps {
  /** What there is not: `Nothing has failed.` */
  readonly title: string;
  /** Why, and what to do next. */
  readonly children?: ReactNode;
  /** A command that does it, to be copied. */
  readonly command?: string;
  readonly action?: ReactNode;
}

/** In place of a list without rows. */
export function EmptyState({ title, children, command, action }: EmptyStateProps) {
  return (
    <div className={styles["state"]}>
      <p className="medium">{title}</p>
      {children !== undefined && <div className="muted">{children}</div>}
      {command !== undefined && <Command text={command} />}
      {action}
    </div>
  );
}

/** A command of the terminal, with a button that copies it. */
function Command({ text }: { readonly text: string }) {
  return (
    <div className={styles["command"]}>
      <code className="anywhere">{text}</code>
      <CopyButton text={text} label="Copy the command" />
    </div>
  );
}

export interface ErrorStateProps {
  /** What was to be shown: `the tasks`. */
  readonly what: string;
  readonly error: unknown;
  readonly retry?: () => void;
}

/** In place of what could not be had; says what happened and what may help. */
export function ErrorState({ what, error, retry }: ErrorStateProps) {
  const known = isApiError(error);
  return (
    <div className={styles["state"]} role="alert">
      <p className="medium bad">Could not get {what}.</p>
      <div className="muted anywhere">{known ? error.facts.message : String(error)}</div>
      {known && error.facts.hint !== undefined && <div className="muted anywhere">{error.facts.hint}</div>}
      {known && <div className="faint small mono">{error.code}</div>}
      {retry !== undefined && <Button onClick={retry}>Try again</Button>}
    </div>
  );
}

/** Rows that are still to come, in the height they will have. */
export function Skeleton({ rows = 8 }: { readonly rows?: number }) {
  return (
    <div className={styles["skeleton"]} aria-hidden="true">
      {Array.from({ length: rows }, (_, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they are all alike
        <span key={at} />
      ))}
    </div>
  );
}
