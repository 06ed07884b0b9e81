import { Ellipsis } from "lucide-react";
import { classes } from "../components/classes.ts";
import { Menu } from "../components/menu.tsx";
import { shortCount } from "../format/numbers.ts";
import { RAIL, type RailEntry } from "../pages.ts";
import { Link, navigate, usePlace } from "../routing/router.tsx";
import styles from "./bottom-bar.module.css";
import { useIsCurrent, useRailCount } from "./rail.tsx";

/** The pages, where a thumb is. */
export function BottomBar() {
  const { path } = usePlace();
  const others = RAIL.filter(({ atThumb }) => !atThumb);
  const isOther = others.some(({ to }) => path.startsWith(to));
  return (
    <nav className={styles["bar"]} aria-label="Pages">
      {RAIL.filter(({ atThumb }) => atThumb).map((entry) => (
        <BarLink key={entry.to} entry={entry} />
      ))}
      <Menu
        look="quiet"
        className={classes(styles["link"], isOther && styles["current"])}
        label="More pages"
        icon={<Ellipsis size={20} />}
        items={others.map(({ to, label, icon: Icon }) => ({
          label,
          icon: <Icon size={18} />,
          run: () => navigate(to),
        }))}
      >
        More
      </Menu>
    </nav>
  );
}

function BarLink({ entry }: { readonly entry: RailEntry }) {
  const { to, label, icon: Icon } = entry;
  const current = useIsCurrent(to);
  const count = useRailCount(entry);
  return (
    <Link
      to={to}
      className={classes(styles["link"], current && styles["current"])}
      aria-current={current ? "page" : undefined}
    >
      <Icon size={20} />
      <span>
        {label}
        {count !== null && <b className="bad"> {shortCount(count)}</b>}
      </span>
    </Link>
  );
}
