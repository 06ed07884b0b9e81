import { Check, CircleAlert, X } from "lucide-react";
import { useEffect, useSyncExternalStore } from "react";
import { isApiError } from "../api/api-error.ts";
import { Button } from "./button.tsx";
import { classes } from "./classes.ts";
import styles from "./toast.module.css";

export interface Toast {
  readonly text: string;
  /** @defaultValue "good" */
  readonly tone?: "good" | "bad";
  /** One thing that may follow: Undo, Open. */
  readonly action?: { readonly label: string; readonly run: () => void };
  /** Milliseconds it stays. @defaultValue 5 000; 10 000 with an action or for what went wrong */
  readonly stays?: number;
}

interface Shown extends Toast {
  readonly id: number;
}

const MOST = 4;
let shown: readonly Shown[] = [];
let made = 0;
const listeners = new Set<() => void>();

function setShown(next: readonly Shown[]): void {
  shown = next;
  for (const listener of listeners) listener();
}

/** Says that something was done, or was not: in the corner, and to screen readers. */
export function notify(toast: Toast): void {
  made += 1;
  setShown([...shown, { ...toast, id: made }].slice(-MOST));
}

/** Says what went wrong. @example call(…).then(done, notifyError("Could not pause low")) */
export function notifyError(what: string): (error: unknown) => void {
  return (error) => {
    const why = isApiError(error) ? error.message : String(error);
    notify({ text: `${what}: ${why}`, tone: "bad" });
  };
}

/** Where they appear; once, in the frame. */
export function ToastHost() {
  const toasts = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
    () => shown,
  );
  return (
    <section className={styles["corner"]} aria-label="Notices" aria-live="polite" aria-relevant="additions">
      {toasts.map((toast) => (
        <ToastCard key={toast.id} {...toast} />
      ))}
    </section>
  );
}

function ToastCard({ id, text, tone = "good", action, stays }: Shown) {
  const length = stays ?? (tone === "bad" || action !== undefined ? 10_000 : 5_000);
  useEffect(() => {
    const timer = setTimeout(() => leave(id), length);
    return () => clearTimeout(timer);
  }, [id, length]);
  return (
    <div className={styles["toast"]}>
      {tone === "good" ? (
        <Check size={16} className={classes("good", styles["icon"])} />
      ) : (
        <CircleAlert size={16} className={classes("bad", styles["icon"])} />
      )}
      <span className={classes(styles["text"], "anywhere")}>{text}</span>
      {action !== undefined && (
        <Button
          look="quiet"
          onClick={() => {
            leave(id);
            action.run();
          }}
        >
          {action.label}
        </Button>
      )}
      <Button look="quiet" icon={<X size={14} />} aria-label="Dismiss" onClick={() => leave(id)} />
    </div>
  );
}

function leave(id: number): void {
  setShown(shown.filter((toast) => toast.id !== id));
}
