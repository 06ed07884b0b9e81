import { EmptyState } from "../../components/empty-state.tsx";
import { Page } from "../../components/page.tsx";

export default function EnginePage() {
  return (
    <Page title="Engine">
      <EmptyState title="This page is not there yet." />
    </Page>
  );
}
