import type { ButtonHTMLAttributes, ReactNode } from "react";
import type { May } from "../api/session.tsx";
import styles from "./button.module.css";
import { classes } from "./classes.ts";
import { Key } from "./key.tsx";

export interface ButtonProps extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, "type"> {
  /** `primary`: the one thing to do here. `danger`: something is lost. `quiet`: without a frame. @defaultValue "normal" */
  readonly look?: "normal" | "primary" | "danger" | "quiet";
  readonly icon?: ReactNode;
  /** The key that does the same; shown beside the words. */
  readonly hotkey?: string;
  /** What the user may do: a button that never works is not shown, one that does not work now says why. */
  readonly may?: May;
  /** It goes on. */
  readonly busy?: boolean;
  readonly type?: "button" | "submit";
}

export function Button({
  look = "normal",
  icon,
  hotkey,
  may,
  busy = false,
  disabled = false,
  className,
  title,
  children,
  type = "button",
  ...rest
}: ButtonProps) {
  if (may?.hidden) return null;
  const isOff = disabled || busy || may?.allowed === false;
  return (
    <button
      type={type}
      className={classes(
        styles["button"],
        styles[look],
        children === undefined && styles["square"],
        className,
      )}
      disabled={isOff}
      aria-busy={busy || undefined}
      title={may?.reason ?? title}
      {...rest}
    >
      {icon}
      {children}
      {hotkey !== undefined && <Key keys={hotkey} quiet />}
    </button>
  );
}
