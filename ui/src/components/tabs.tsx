import { type ReactNode, useEffect, useRef } from "react";
import { Link } from "../routing/router.tsx";
import { classes } from "./classes.ts";
import styles from "./tabs.module.css";

export interface Tab {
  readonly id: string;
  readonly label: ReactNode;
  /** Its address: tabs are pages of their own. */
  readonly to: string;
}

export function Tabs({
  tabs,
  current,
  label,
}: {
  readonly tabs: readonly Tab[];
  readonly current: string;
  readonly label: string;
}) {
  const list = useRef<HTMLElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another tab is current
  useEffect(() => {
    const tab = list.current?.querySelector("[aria-current]");
    tab?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [current]);
  return (
    <nav ref={list} className={styles["tabs"]} aria-label={label}>
      {tabs.map(({ id, label: words, to }) => (
        <Link
          key={id}
          to={to}
          className={classes(styles["tab"], id === current && styles["current"])}
          aria-current={id === current ? "page" : undefined}
        >
          {words}
        </Link>
      ))}
    </nav>
  );
}
