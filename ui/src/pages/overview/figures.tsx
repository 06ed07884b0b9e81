import type { ReactNode } from "react";
import styles from "./figures.module.css";

export interface Figure {
  readonly label: string;
  readonly value: ReactNode;
  /** What to compare it with. */
  readonly beside?: ReactNode;
  readonly title?: string;
}

/** A few large numbers in a row. */
export function Figures({ figures }: { readonly figures: readonly Figure[] }) {
  return (
    <dl className={styles["figures"]}>
      {figures.map(({ label, value, beside, title }) => (
        <div key={label} className={styles["figure"]} title={title}>
          <dt>{label}</dt>
          <dd>
            <span className={styles["value"]}>{value}</span>
            {beside !== undefined && <span className="muted small">{beside}</span>}
          </dd>
        </div>
      ))}
    </dl>
  );
}
