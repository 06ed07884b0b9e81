import { Link } from "../routing/router.tsx";
import { classes } from "./classes.ts";
import styles from "./segments.module.css";

export interface SegmentsProps {
  /** What is chosen, for those who do not see it. */
  readonly label: string;
  readonly options: readonly { readonly id: string; readonly label: string; readonly to: string }[];
  readonly current: string;
}

export interface SegmentButtonsProps<T extends string> {
  readonly label: string;
  readonly options: readonly { readonly value: T; readonly label: string }[];
  readonly value: T;
  readonly onChange: (value: T) => void;
}

/** The same where it is no part of the address, as within a form. */
export function SegmentButtons<T extends string>({
  label,
  options,
  value,
  onChange,
}: SegmentButtonsProps<T>) {
  return (
    <div className={styles["segments"]} role="radiogroup" aria-label={label}>
      {options.map((option) => (
        <button
          key={option.value}
          type="button"
          role="radio"
          aria-checked={option.value === value}
          className={classes(styles["segment"], option.value === value && styles["current"])}
          onClick={() => onChange(option.value)}
        >
          {option.label}
        </button>
      ))}
    </div>
  );
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
