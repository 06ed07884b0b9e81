import { type ReactNode, Suspense, useState } from "react";
import { classes } from "../components/classes.ts";
import { ConfirmHost } from "../components/confirm.tsx";
import { Skeleton } from "../components/empty-state.tsx";
import { EngineAwayBanner } from "../components/engine-away-banner.tsx";
import { ToastHost } from "../components/toast.tsx";
import { usePhone } from "../components/use-media.ts";
import { useKeys } from "../keys/use-keys.ts";
import { live, useEngineAway } from "../live/live.ts";
import { RAIL } from "../pages.ts";
import { navigate } from "../routing/router.tsx";
import { BottomBar } from "./bottom-bar.tsx";
import styles from "./frame.module.css";
import { KeyHelp } from "./key-help.tsx";
import { Rail } from "./rail.tsx";
import { focusSearch, TopBar } from "./top-bar.tsx";

/** What is around every page. */
export function Frame({ children }: { readonly children: ReactNode }) {
  const phone = usePhone();
  const away = useEngineAway();
  const [helps, setHelps] = useState(false);
  useKeys([
    ...RAIL.map(({ to, label, key }) => ({
      keys: `g ${key}`,
      label,
      group: "Go to" as const,
      run: () => navigate(to),
    })),
    { keys: "/", label: "Search tasks", group: "Everywhere", run: focusSearch },
    { keys: ".", label: "Pause or go on with live updates", group: "Everywhere", run: toggleLive },
    { keys: "n", label: "Enqueue a task", group: "Everywhere", run: () => navigate("/enqueue") },
    { keys: "?", label: "This list", group: "Everywhere", run: () => setHelps(true) },
  ]);
  return (
    <div className={styles["frame"]}>
      <a href="#main" className={styles["skip"]}>
        Skip to the page
      </a>
      {!phone && <Rail />}
      <TopBar onHelp={() => setHelps(true)} />
      <main id="main" tabIndex={-1} className={styles["main"]}>
        <EngineAwayBanner />
        <div className={classes(styles["page"], away && styles["stale"])}>
          <Suspense fallback={<Skeleton rows={12} />}>{children}</Suspense>
        </div>
      </main>
      {phone && <BottomBar />}
      {helps && <KeyHelp onClose={() => setHelps(false)} />}
      <ConfirmHost />
      <ToastHost />
    </div>
  );
}

function toggleLive(): void {
  live.pause(!live.paused);
}
