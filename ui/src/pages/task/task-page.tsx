import { EmptyState } from "../../components/empty-state.tsx";
import { Page } from "../../components/page.tsx";

export default function TaskPage() {
  return (
    <Page title="Task">
      <EmptyState title="This page is not there yet." />
    </Page>
  );
}
