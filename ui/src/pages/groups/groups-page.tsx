import { EmptyState } from "../../components/empty-state.tsx";
import { Page } from "../../components/page.tsx";

export default function GroupsPage() {
  return (
    <Page title="Groups">
      <EmptyState title="This page is not there yet." />
    </Page>
  );
}
