import { useMemo } from "react";
import { EmptyState, Skeleton } from "../../components/empty-state.tsx";
import { Page, Section } from "../../components/page.tsx";
import { exactCount, plural } from "../../format/numbers.ts";
import { useLive } from "../../live/live.ts";
import { link, withSearch } from "../../routing/location.ts";
import { Link } from "../../routing/router.tsx";
import { QueueGroups } from "../queue/queue-groups.tsx";

/** More are on the pages of their queues. */
const MOST_QUEUES = 20;

/** Groups of all queues: tasks that wait to become one. */
export default function GroupsPage() {
  const queues = useLive(({ data }) => data?.overview?.queues);
  const grouped = useMemo(
    () =>
      [...(queues?.values() ?? [])]
        .filter(({ groups }) => groups > 0)
        .sort((a, b) => b.aggregating - a.aggregating || a.queue.localeCompare(b.queue)),
    [queues],
  );
  const tasks = grouped.reduce((all, { aggregating }) => all + aggregating, 0);
  return (
    <Page
      title="Groups"
      facts={
        grouped.length > 0 && (
          <span>
            {plural(tasks, "task")} in {plural(grouped.length, "queue")}
          </span>
        )
      }
    >
      {queues === undefined ? (
        <Skeleton rows={8} />
      ) : grouped.length === 0 ? (
        <EmptyState
          title="No groups have tasks waiting."
          command={'await client.enqueue(task, { group: "digest:ada" })'}
        >
          Tasks that are enqueued with a group wait until a server&apos;s aggregator makes one task of them.
        </EmptyState>
      ) : (
        grouped.slice(0, MOST_QUEUES).map(({ queue, groups, aggregating }, at) => (
          <Section
            key={queue}
            title={<Link to={withSearch(link`/queues/${queue}`, { state: "aggregating" })}>{queue}</Link>}
            aside={`${plural(groups, "group")}, ${plural(aggregating, "task")}`}
          >
            <QueueGroups queue={queue} keyboard={at === 0} />
          </Section>
        ))
      )}
      {grouped.length > MOST_QUEUES && (
        <p className="muted">
          and {exactCount(grouped.length - MOST_QUEUES)} more <Link to="/queues">queues</Link>
        </p>
      )}
    </Page>
  );
}
