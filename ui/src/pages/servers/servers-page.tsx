import { EmptyState } from "../../components/empty-state.tsx";
import { Page } from "../../components/page.tsx";

export default function ServersPage() {
  return (
    <Page title="Servers">
      <EmptyState title="This page is not there yet." />
    </Page>
  );
}
