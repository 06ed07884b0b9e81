import { classes } from "../components/classes.ts";
import { shortCount } from "../format/numbers.ts";
import { useLive } from "../live/live.ts";
import { RAIL, type RailEntry } from "../pages.ts";
import { Link, usePlace } from "../routing/router.tsx";
import { Logo } from "./logo.tsx";
import styles from "./rail.module.css";

/** The pages, at the left; icons alone where there is little room. */
export function Rail() {
  return (
    <nav className={styles["rail"]} aria-label="Pages">
      <Link to="/" className={styles["brand"]} aria-label="TitanQueue, overview">
        <Logo />
        <span className={styles["word"]}>TitanQueue</span>
      </Link>
      {RAIL.map((entry) => (
        <RailLink key={entry.to} entry={entry} />
      ))}
    </nav>
  );
}

function RailLink({ entry }: { readonly entry: RailEntry }) {
  const { to, label, icon: Icon, key, alarms = false } = entry;
  const current = useIsCurrent(to);
  const count = useRailCount(entry);
  return (
    <Link
      to={to}
      className={classes(styles["link"], current && styles["current"])}
      aria-current={current ? "page" : undefined}
      title={`${label} (g ${key})`}
    >
      <Icon size={16} />
      <span className={styles["word"]}>{label}</span>
      {count !== null && (
        <span className={classes(styles["count"], alarms && "bad")}>{shortCount(count)}</span>
      )}
    </Link>
  );
}

export function useRailCount({ count }: RailEntry): number | null {
  return useLive(({ data }) => (data?.overview && count ? count(data.overview) : null));
}

export function useIsCurrent(to: string): boolean {
  const { path } = usePlace();
  return to === "/" ? path === "/" : path === to || path.startsWith(`${to}/`);
}
