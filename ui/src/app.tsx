import { QueryClientProvider } from "@tanstack/react-query";
import { Component, type ReactNode, useEffect, useState } from "react";
import { isApiError } from "./api/api-error.ts";
import { queryClient } from "./api/query-client.ts";
import { SessionProvider } from "./api/session.tsx";
import styles from "./app.module.css";
import { EmptyState, ErrorState } from "./components/empty-state.tsx";
import { Frame } from "./frame/frame.tsx";
import { type FoundPage, pageAt } from "./pages.ts";
import { Link, usePlace } from "./routing/router.tsx";

export function App() {
  return (
    <QueryClientProvider client={queryClient}>
      <SessionProvider waiting={(error) => <Waiting error={error} />}>
        <Frame>
          <Pages />
        </Frame>
      </SessionProvider>
    </QueryClientProvider>
  );
}

/** Nothing for the blink that it takes; where it takes longer, that it does, and what is wrong. */
function Waiting({ error }: { readonly error: Error | null }) {
  if (error === null) {
    return (
      <p className={styles["waiting"]} role="status">
        Waiting for the monitor: it has not reached its engine yet.
      </p>
    );
  }
  const status = isApiError(error) ? error.status : 0;
  return (
    <ErrorState
      what={status === 401 || status === 403 ? "in" : "an answer from the monitor"}
      error={error}
      retry={() => window.location.reload()}
    />
  );
}

function Pages() {
  const { path } = usePlace();
  // biome-ignore lint/correctness/useExhaustiveDependencies: another page begins at its top
  useEffect(() => {
    window.scrollTo(0, 0);
  }, [path]);
  const found = pageAt(path);
  if (found === undefined) {
    return (
      <EmptyState title="There is no such page.">
        <Link to="/">Go to the overview</Link>
      </EmptyState>
    );
  }
  return (
    <PageGuard key={path}>
      <PageSlot {...found} />
    </PageGuard>
  );
}

function PageSlot({ page, params }: FoundPage) {
  const [Page] = useState(page.component);
  return <Page params={params} />;
}

interface GuardState {
  readonly error: unknown;
}

/** A page that breaks leaves the frame standing. */
class PageGuard extends Component<{ readonly children: ReactNode }, GuardState> {
  override state: GuardState = { error: null };

  static getDerivedStateFromError(error: unknown): GuardState {
    return { error };
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (error === null) return this.props.children;
    return <ErrorState what="this page" error={error} retry={() => window.location.reload()} />;
  }
}
