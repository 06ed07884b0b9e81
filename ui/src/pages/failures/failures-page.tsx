import { EmptyState } from "../../components/empty-state.tsx";
import { Page } from "../../components/page.tsx";

export default function FailuresPage() {
  return (
    <Page title="Failures">
      <EmptyState title="This page is not there yet." />
    </Page>
  );
}
