import type { ServerCard } from "../../api/types.ts";
import { useApi } from "../../api/use-api.ts";
import { Banner } from "../../components/banner.tsx";
import { EmptyState, ErrorState, Skeleton } from "../../components/empty-state.tsx";
import { Page } from "../../components/page.tsx";
import { plural } from "../../format/numbers.ts";
import { useLive, useTopic } from "../../live/live.ts";
import { Server } from "./server.tsx";
import styles from "./servers-page.module.css";

/** Servers that are alive, what each of them is at, and for how long. */
export default function ServersPage() {
  useTopic("servers");
  const live = useLive(({ data }) => data?.servers);
  const { data, error, refetch } = useApi(
    "GET /api/servers",
    {},
    { every: 30_000, enabled: live === undefined },
  );
  const servers = live ?? data?.servers;
  return (
    <Page
      title="Servers"
      facts={servers !== undefined && servers.length > 0 && <SlotFacts servers={servers} />}
    >
      {error !== null && servers !== undefined && <Banner tone="warning">These are as last seen.</Banner>}
      {servers !== undefined ? (
        <Servers servers={servers} />
      ) : error !== null ? (
        <ErrorState what="the servers" error={error} retry={() => void refetch()} />
      ) : (
        <Skeleton rows={10} />
      )}
    </Page>
  );
}

function SlotFacts({ servers }: { readonly servers: readonly ServerCard[] }) {
  const slots = servers.reduce((all, { concurrency }) => all + concurrency, 0);
  const busy = servers.reduce((all, { workers }) => all + workers.length, 0);
  return (
    <span>
      {plural(servers.length, "server")}, {busy} of {plural(slots, "slot")} busy
    </span>
  );
}

function Servers({ servers }: { readonly servers: readonly ServerCard[] }) {
  if (servers.length === 0) {
    return (
      <EmptyState title="No server is alive." command="npx titanqueue worker ./worker.ts">
        Tasks wait until one serves their queues. A server shows up here within five seconds of its start, and
        leaves with its shutdown, or a minute after it died.
      </EmptyState>
    );
  }
  const sorted = [...servers].sort((a, b) => a.host.localeCompare(b.host) || a.pid - b.pid);
  return (
    <ul className={styles["servers"]}>
      {sorted.map((server) => (
        <li key={server.id}>
          <Server server={server} />
        </li>
      ))}
    </ul>
  );
}
