import { EmptyState } from "../../components/empty-state.tsx";
import { Page } from "../../components/page.tsx";

export default function MetricsPage() {
  return (
    <Page title="Metrics">
      <EmptyState title="This page is not there yet." />
    </Page>
  );
}
