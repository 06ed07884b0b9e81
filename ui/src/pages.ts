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

/** What stands in braces in the path of a page. */
export interface PageParams {
  readonly params: Readonly<Record<string, string>>;
}

export interface PageEntry {
  /** Below the mount; more exact ones first. */
  readonly path: string;
  readonly component: ComponentType<PageParams>;
}

/** Every page there is. Only the first is loaded at once. */
export const PAGES: readonly PageEntry[] = [
  { path: "/", component: OverviewPage },
  { path: "/queues", component: lazy(() => import("./pages/queues/queues-page.tsx")) },
  { path: "/queues/{queue}", component: lazy(() => import("./pages/queue/queue-page.tsx")) },
  { path: "/queues/{queue}/tasks/{id}", component: lazy(() => import("./pages/task/task-page.tsx")) },
  { path: "/tasks", component: lazy(() => import("./pages/tasks/tasks-page.tsx")) },
  { path: "/enqueue", component: lazy(() => import("./pages/enqueue/enqueue-page.tsx")) },
  { path: "/failures", component: lazy(() => import("./pages/failures/failures-page.tsx")) },
  { path: "/schedulers", component: lazy(() => import("./pages/schedulers/schedulers-page.tsx")) },
  { path: "/servers", component: lazy(() => import("./pages/servers/servers-page.tsx")) },
  { path: "/groups", component: lazy(() => import("./pages/groups/groups-page.tsx")) },
  { path: "/metrics", component: lazy(() => import("./pages/metrics/metrics-page.tsx")) },
  { path: "/engine", component: lazy(() => import("./pages/engine/engine-page.tsx")) },
  { path: "/activity", component: lazy(() => import("./pages/activity/activity-page.tsx")) },
];

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
