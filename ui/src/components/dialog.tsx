import { X } from "lucide-react";
import { type ReactNode, useEffect, useId, useRef } from "react";
import { Button } from "./button.tsx";
import { classes } from "./classes.ts";
import styles from "./dialog.module.css";

export interface DialogProps {
  readonly title: ReactNode;
  readonly children: ReactNode;
  /** Escape, the ground beside it, or its cross. */
  readonly onClose: () => void;
  /** The buttons at its foot. */
  readonly actions?: ReactNode;
  /** @defaultValue "small" */
  readonly size?: "small" | "large";
}

/** In front of everything, with the focus in it; a sheet from below on a phone. */
export function Dialog({ title, children, onClose, actions, size = "small" }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();
  useEffect(() => {
    const element = dialog.current;
    if (element !== null && !element.open) {
      element.showModal();
      firstOf(element).focus();
    }
    return () => element?.close();
  }, []);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: escape is its key, and comes as onCancel
    <dialog
      ref={dialog}
      tabIndex={-1}
      className={classes(styles["dialog"], styles[size])}
      aria-labelledby={heading}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => {
        if (event.target === dialog.current) onClose();
      }}
    >
      <div className={styles["inside"]}>
        <header className={styles["head"]}>
          <h2 id={heading} className="anywhere">
            {title}
          </h2>
          <Button look="quiet" icon={<X size={16} />} aria-label="Close" onClick={onClose} />
        </header>
        <div className={styles["body"]}>{children}</div>
        {actions !== undefined && <footer className={styles["foot"]}>{actions}</footer>}
      </div>
    </dialog>
  );
}

/** Where to begin: the first field, or else the last button at the foot, or else nowhere in particular. */
function firstOf(dialog: HTMLDialogElement): HTMLElement {
  const field = dialog.querySelector<HTMLElement>("input:not([type=checkbox]), textarea, select");
  const buttons = dialog.querySelectorAll<HTMLElement>("footer button:not(:disabled)");
  return field ?? [...buttons].at(-1) ?? dialog;
}
