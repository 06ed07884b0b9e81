import {
  Activity,
  CalendarClock,
  ChartLine,
  CircleX,
  Database,
  Group,
  LayoutDashboard,
  ListChecks,
  Rows3,
  Server,
} from "lucide-react";
import { type ComponentType, lazy } from "react";
import type { LiveOverview } from "./live/live-data.ts";
import { OverviewPage } from "./pages/overview/overview-page.tsx";
import { matchPath, type PageParams } from "./routing/location.ts";

export interface PageEntry {
  /** Below the mount; more exact ones first. */
  readonly path: string;
  /** Its script may have to come first; one that is here is drawn at once. Another one after it came: keep what you got. */
  readonly component: () => ComponentType<PageParams>;
  /** Fetches the page's script, where that is one of its own. */
  readonly preload: () => Promise<unknown>;
}

export interface FoundPage extends PageParams {
  readonly page: PageEntry;
}

/** Every page there is. Only the first comes with the frame. */
const PAGES: readonly PageEntry[] = [
  { path: "/", component: () => OverviewPage, preload: () => Promise.resolve() },
  later("/queues", () => import("./pages/queues/queues-page.tsx")),
  later("/queues/{queue}", () => import("./pages/queue/queue-page.tsx")),
  later("/queues/{queue}/tasks/{id}", () => import("./pages/task/task-page.tsx")),
  later("/tasks", () => import("./pages/tasks/tasks-page.tsx")),
  later("/enqueue", () => import("./pages/enqueue/enqueue-page.tsx")),
  later("/failures", () => import("./pages/failures/failures-page.tsx")),
  later("/schedulers", () => import("./pages/schedulers/schedulers-page.tsx")),
  later("/servers", () => import("./pages/servers/servers-page.tsx")),
  later("/groups", () => import("./pages/groups/groups-page.tsx")),
  later("/metrics", () => import("./pages/metrics/metrics-page.tsx")),
  later("/engine", () => import("./pages/engine/engine-page.tsx")),
  later("/activity", () => import("./pages/activity/activity-page.tsx")),
];

type PageModule = { readonly default: ComponentType<PageParams> };

/** A page whose script comes when somebody goes there. */
function later(path: string, load: () => Promise<PageModule>): PageEntry {
  let asked: Promise<PageModule> | undefined;
  let here: PageModule | undefined;
  const preload = () => {
    asked ??= load().then((module) => {
      here = module;
      return module;
    });
    return asked;
  };
  const whenItComes = lazy(preload);
  return { path, preload, component: () => here?.default ?? whenItComes };
}

/** The page at a path below the mount, and what stands in braces in its own. */
export function pageAt(path: string): FoundPage | undefined {
  for (const page of PAGES) {
    const params = matchPath(page.path, path);
    if (params !== undefined) return { page, params };
  }
  return undefined;
}

export interface RailEntry {
  readonly to: string;
  readonly label: string;
  readonly icon: ComponentType<{ readonly size?: number }>;
  /** The second key after `g`. */
  readonly key: string;
  /** A number that calls for a look; `null`: none does. */
  readonly count?: (overview: LiveOverview) => number | null;
  /** The count is of something that went wrong. */
  readonly alarms?: boolean;
  /** In the bar at the bottom of a phone; the others are behind More. */
  readonly atThumb?: boolean;
}

/** Groups are few, and reached from their queues as well. */
export const RAIL: readonly RailEntry[] = [
  { to: "/", label: "Overview", icon: LayoutDashboard, key: "o", atThumb: true },
  { to: "/queues", label: "Queues", icon: Rows3, key: "q" },
  { to: "/tasks", label: "Tasks", icon: ListChecks, key: "t", atThumb: true },
  {
    to: "/failures",
    label: "Failures",
    icon: CircleX,
    key: "f",
    count: ({ totals }) => totals.failures || null,
    alarms: true,
    atThumb: true,
  },
  { to: "/schedulers", label: "Schedulers", icon: CalendarClock, key: "s" },
  {
    to: "/servers",
    label: "Servers",
    icon: Server,
    key: "v",
    // That there are none is worth a look, where there is work.
    count: ({ totals }) => (totals.servers === 0 && totals.oldestAt !== null ? 0 : null),
    alarms: true,
  },
  { to: "/groups", label: "Groups", icon: Group, key: "r" },
  { to: "/metrics", label: "Metrics", icon: ChartLine, key: "m" },
  { to: "/engine", label: "Engine", icon: Database, key: "e" },
  { to: "/activity", label: "Activity", icon: Activity, key: "a" },
];
