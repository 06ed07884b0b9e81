import { EmptyState } from "../../components/empty-state.tsx";
import { Page } from "../../components/page.tsx";

export default function TasksPage() {
  return (
    <Page title="Tasks">
      <EmptyState title="This page is not there yet." />
    </Page>
  );
}
