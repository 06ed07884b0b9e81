import { Info, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import styles from "./banner.module.css";
import { classes } from "./classes.ts";

export interface BannerProps {
  readonly tone: "bad" | "warning" | "info";
  readonly children: ReactNode;
  readonly actions?: ReactNode;
}

/** Something that holds for the whole page. */
export function Banner({ tone, children, actions }: BannerProps) {
  return (
    <div className={classes(styles["banner"], styles[tone])} role={tone === "bad" ? "alert" : "status"}>
      {tone === "info" ? <Info size={16} aria-hidden /> : <TriangleAlert size={16} aria-hidden />}
      <div className={styles["text"]}>{children}</div>
      {actions}
    </div>
  );
}
