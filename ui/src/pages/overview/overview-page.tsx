import { Page } from "../../components/page.tsx";
import { useLive } from "../../live/live.ts";

export function OverviewPage() {
  const health = useLive(({ data }) => data?.overview?.health ?? null);
  return <Page title="Overview">{health?.sentence}</Page>;
}
