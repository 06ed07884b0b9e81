import { EmptyState } from "../../components/empty-state.tsx";
import { Page } from "../../components/page.tsx";

export default function QueuePage() {
  return (
    <Page title="Queue">
      <EmptyState title="This page is not there yet." />
    </Page>
  );
}
