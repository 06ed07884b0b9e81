import { EmptyState } from "../../components/empty-state.tsx";
import { Page } from "../../components/page.tsx";

export default function SchedulersPage() {
  return (
    <Page title="Schedulers">
      <EmptyState title="This page is not there yet." />
    </Page>
  );
}
