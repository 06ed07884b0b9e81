import { type FormEvent, type ReactNode, useId, useState, useSyncExternalStore } from "react";
import { Button } from "./button.tsx";
import { Dialog } from "./dialog.tsx";
import { TextField } from "./field.tsx";

export interface Question {
  /** Names the thing: `Delete queue low and its 9 tasks?` */
  readonly title: string;
  /** What becomes of it. */
  readonly body?: ReactNode;
  /** The word on the button: `Delete queue`. */
  readonly verb: string;
  /** What has to be typed first. */
  readonly typed?: string;
  /** Something is lost. @defaultValue true */
  readonly danger?: boolean;
}

interface Open extends Question {
  readonly answer: (yes: boolean) => void;
}

let open: Open | null = null;
const listeners = new Set<() => void>();

function setOpen(next: Open | null): void {
  open = next;
  for (const listener of listeners) listener();
}

/**
 * Asks before something that cannot be taken back.
 *
 * @example if (await confirm({ title: "Delete task 42?", verb: "Delete" })) …
 */
export function confirm(question: Question): Promise<boolean> {
  open?.answer(false);
  return new Promise((resolve) => {
    setOpen({
      ...question,
      answer: (yes) => {
        setOpen(null);
        resolve(yes);
      },
    });
  });
}

/** Where questions appear; once, in the frame. */
export function ConfirmHost() {
  const question = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
    () => open,
  );
  return question === null ? null : <ConfirmDialog key={question.title} {...question} />;
}

function ConfirmDialog({ title, body, verb, typed, danger = true, answer }: Open) {
  const [text, setText] = useState("");
  const form = useId();
  const isReady = typed === undefined || text === typed;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (isReady) answer(true);
  };
  return (
    <Dialog
      title={title}
      onClose={() => answer(false)}
      actions={
        <>
          <Button onClick={() => answer(false)}>Cancel</Button>
          <Button type="submit" form={form} look={danger ? "danger" : "primary"} disabled={!isReady}>
            {verb}
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit} className="stack">
        {body !== undefined && <div className="muted">{body}</div>}
        {typed !== undefined && (
          <TextField
            label={
              <>
                Type <span className="mono anywhere">{typed}</span> to go on
              </>
            }
            value={text}
            onChange={setText}
            mono
          />
        )}
      </form>
    </Dialog>
  );
}
