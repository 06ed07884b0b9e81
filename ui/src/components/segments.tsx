import { Link } from "../routing/router.tsx";
import { classes } from "./classes.ts";
import styles from "./segments.module.css";

export interface SegmentsProps {
  /** What is chosen, for those who do not see it. */
  readonly label: string;
  readonly options: readonly { readonly id: string; readonly label: string; readonly to: string }[];
  readonly current: string;
}

/** One of a few, side by side: how a page shows what it shows. Each is an address. */
export function Segments({ label, options, current }: SegmentsProps) {
  return (
    <nav className={styles["segments"]} aria-label={label}>
      {options.map(({ id, label: words, to }) => (
        <Link
          key={id}
          to={to}
          className={classes(styles["segment"], id === current && styles["current"])}
          aria-current={id === current ? "true" : undefined}
        >
          {words}
        </Link>
      ))}
    </nav>
  );
}
