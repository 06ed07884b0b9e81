import { classes } from "./classes.ts";
import styles from "./key.module.css";

const SIGNS: Readonly<Record<string, string>> = {
  enter: "↵",
  escape: "esc",
  up: "↑",
  down: "↓",
  left: "←",
  right: "→",
};

/** Keys, as they are printed: `g o`, `shift+x`. Not shown where there is no keyboard. */
export function Key({ keys, quiet = false }: { readonly keys: string; readonly quiet?: boolean }) {
  const parts = keys.split(/[ +]/);
  return (
    <span className={classes(styles["keys"], quiet && styles["quiet"])} aria-hidden={quiet || undefined}>
      {parts.map((part) => (
        <kbd key={part}>{SIGNS[part] ?? part}</kbd>
      ))}
    </span>
  );
}
