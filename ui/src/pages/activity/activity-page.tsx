import { EmptyState } from "../../components/empty-state.tsx";
import { Page } from "../../components/page.tsx";

export default function ActivityPage() {
  return (
    <Page title="Activity">
      <EmptyState title="This page is not there yet." />
    </Page>
  );
}
