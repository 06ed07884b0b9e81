import { type ReactNode, useEffect } from "react";
import { classes } from "./classes.ts";
import styles from "./page.module.css";

export interface PageProps {
  /** Of the tab, and of the page where there is no `heading`. */
  readonly title: string;
  /** In place of the title: a crumb, a name with its state. */
  readonly heading?: ReactNode;
  /** Facts in one line beside the heading. */
  readonly facts?: ReactNode;
  /** Buttons, at the right end. */
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}

/** A page: its heading, what can be done, and below that whatever it shows. */
export function Page({ title, heading, facts, actions, children }: PageProps) {
  useEffect(() => {
    document.title = `${title} · TitanQueue`;
  }, [title]);
  return (
    <div className={styles["page"]}>
      <header className={styles["head"]}>
        <h1 className="ellipsis" title={heading === undefined ? undefined : title}>
          {heading ?? title}
        </h1>
        {facts !== undefined && <div className={classes(styles["facts"], "muted")}>{facts}</div>}
        {actions !== undefined && <div className={styles["actions"]}>{actions}</div>}
      </header>
      {children}
    </div>
  );
}

export interface SectionProps {
  readonly title: ReactNode;
  /** At the right end of the title's line. */
  readonly aside?: ReactNode;
  readonly children: ReactNode;
}

/** A part of a page, under a small heading. */
export function Section({ title, aside, children }: SectionProps) {
  return (
    <section className={styles["section"]}>
      <div className={styles["section-head"]}>
        <h2>{title}</h2>
        {aside !== undefined && <div className="muted small">{aside}</div>}
      </div>
      {children}
    </section>
  );
}

/** Names and values, one below the other. A fact without a value is left out. */
export function Facts({ facts }: { readonly facts: readonly (readonly [name: string, value: ReactNode])[] }) {
  return (
    <dl className={styles["list"]}>
      {facts
        .filter(([, value]) => value !== null && value !== undefined && value !== false)
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd className="anywhere">{value}</dd>
          </div>
        ))}
    </dl>
  );
}
