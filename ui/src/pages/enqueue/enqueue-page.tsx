import { EmptyState } from "../../components/empty-state.tsx";
import { Page } from "../../components/page.tsx";

export default function EnqueuePage() {
  return (
    <Page title="Enqueue">
      <EmptyState title="This page is not there yet." />
    </Page>
  );
}
