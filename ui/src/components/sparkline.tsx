import { classes } from "./classes.ts";
import styles from "./sparkline.module.css";

export interface SparklineProps {
  /** Oldest first. */
  readonly values: readonly number[];
  /** What is seen, in words. */
  readonly label: string;
  /** A colour of the tokens. @defaultValue "var(--muted)" */
  readonly color?: string;
  readonly width?: number;
  readonly height?: number;
}

/** A few bars, from zero: how something went. */
export function Sparkline({
  values,
  label,
  color = "var(--muted)",
  width = 72,
  height = 18,
}: SparklineProps) {
  const most = Math.max(1, ...values);
  const step = width / Math.max(1, values.length);
  return (
    <svg className={styles["spark"]} width={width} height={height} role="img" aria-label={label}>
      <title>{label}</title>
      {values.map((value, at) => {
        const tall = value === 0 ? 1 : Math.max(2, (value / most) * height);
        return (
          <rect
            // biome-ignore lint/suspicious/noArrayIndexKey: a bar is its place
            key={at}
            x={at * step}
            y={height - tall}
            width={Math.max(1, step - 1)}
            height={tall}
            fill={value === 0 ? "var(--line-strong)" : color}
          />
        );
      })}
    </svg>
  );
}

export interface StripProps {
  readonly squares: readonly { readonly tone: "good" | "bad" | "warning" | "none"; readonly label: string }[];
  readonly label: string;
}

/** One square each, oldest first: how the last ones went. */
export function Strip({ squares, label }: StripProps) {
  return (
    <span className={styles["strip"]} role="img" aria-label={label}>
      {squares.map(({ tone, label: words }, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a square is its place
        <span key={at} className={classes(styles["square"], styles[tone])} title={words} />
      ))}
    </span>
  );
}
