import { EmptyState } from "../../components/empty-state.tsx";
import { Page } from "../../components/page.tsx";

export default function QueuesPage() {
  return (
    <Page title="Queues">
      <EmptyState title="This page is not there yet." />
    </Page>
  );
}
