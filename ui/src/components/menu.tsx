import { type KeyboardEvent as ReactKeyboardEvent, type ReactNode, useId, useRef, useState } from "react";
import type { May } from "../api/session.tsx";
import { Button, type ButtonProps } from "./button.tsx";
import { classes } from "./classes.ts";
import { Key } from "./key.tsx";
import styles from "./menu.module.css";

export interface MenuItem {
  readonly label: ReactNode;
  readonly run: () => void;
  readonly icon?: ReactNode;
  readonly hotkey?: string;
  readonly danger?: boolean;
  readonly may?: May;
  /** It is the one that holds now, of those to choose from. */
  readonly checked?: boolean;
  /** Several may be checked, and the list stays open. */
  readonly toggles?: boolean;
}

export interface MenuProps extends Omit<ButtonProps, "onClick"> {
  readonly items: readonly MenuItem[];
  /** For screen readers, where the button has no words. */
  readonly label?: string;
}

/** A button that opens a list of things to do; a sheet from below on a phone. Without items it is not there. */
export function Menu({ items, label, children, ...button }: MenuProps) {
  const id = useId();
  const trigger = useRef<HTMLSpanElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const [isOpen, setOpen] = useState(false);
  const shown = items.filter(({ may }) => !may?.hidden);
  if (shown.length === 0) return null;

  const place = () => {
    const element = list.current;
    const at = trigger.current?.getBoundingClientRect();
    if (element === null || at === undefined) return;
    const { width, height } = element.getBoundingClientRect();
    const left = Math.max(8, Math.min(at.right - width, window.innerWidth - width - 8));
    const below = at.bottom + 4 + height < window.innerHeight;
    element.style.setProperty("--left", `${left}px`);
    element.style.setProperty("--top", `${below ? at.bottom + 4 : Math.max(8, at.top - height - 4)}px`);
  };
  const move = (event: ReactKeyboardEvent) => {
    const buttons = [...(list.current?.querySelectorAll("button:not(:disabled)") ?? [])] as HTMLElement[];
    const at = buttons.indexOf(document.activeElement as HTMLElement);
    const step: Readonly<Record<string, number>> = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      Home: 0,
      End: buttons.length - 1,
    };
    const next = step[event.key];
    if (next === undefined) return;
    event.preventDefault();
    buttons.at(next % buttons.length)?.focus();
  };
  return (
    <>
      <span ref={trigger}>
        <Button {...button} popoverTarget={id} aria-haspopup="menu" aria-expanded={isOpen} aria-label={label}>
          {children}
        </Button>
      </span>
      <div
        ref={list}
        id={id}
        popover="auto"
        role="menu"
        tabIndex={-1}
        className={styles["menu"]}
        onKeyDown={move}
        onToggle={(event) => {
          const opened = event.newState === "open";
          setOpen(opened);
          if (!opened) return;
          place();
          list.current?.querySelector<HTMLElement>("button:not(:disabled)")?.focus();
        }}
      >
        {shown.map(({ label: words, run, icon, hotkey, danger, may, checked, toggles = false }, at) => (
          <button
            // biome-ignore lint/suspicious/noArrayIndexKey: the items of a menu keep their places
            key={at}
            type="button"
            role={checked === undefined ? "menuitem" : toggles ? "menuitemcheckbox" : "menuitemradio"}
            {...(checked !== undefined && { "aria-checked": checked })}
            className={classes(styles["item"], danger && "bad")}
            disabled={may?.allowed === false}
            title={may?.reason ?? undefined}
            onClick={() => {
              if (!toggles) list.current?.hidePopover();
              run();
            }}
          >
            {checked !== undefined && <span className={styles["mark"]}>{checked ? "✓" : ""}</span>}
            {icon}
            <span className="spacer">{words}</span>
            {hotkey !== undefined && <Key keys={hotkey} quiet />}
          </button>
        ))}
      </div>
    </>
  );
}
