import { useMay } from "../../api/session.tsx";
import type { AuditLine } from "../../api/types.ts";
import { useApi } from "../../api/use-api.ts";
import { EmptyState, ErrorState, Skeleton } from "../../components/empty-state.tsx";
import { Page, Section } from "../../components/page.tsx";
import { type Column, Table } from "../../components/table.tsx";
import { Count, RelativeTime } from "../../components/values.tsx";
import { useLive } from "../../live/live.ts";
import styles from "./activity-page.module.css";
import { OperationLine } from "./operation-line.tsx";

/** What is being changed, what was, and by whom. */
export default function ActivityPage() {
  const operations = useLive(({ data }) => data?.operations);
  const admin = useMay("admin");
  return (
    <Page title="Activity">
      <Section title="Changes of many tasks" aside="of the last hour">
        {operations === undefined ? (
          <Skeleton rows={3} />
        ) : operations.length === 0 ? (
          <p className="muted">
            None. Choose tasks, or all that match, on the pages of tasks, failures and queues.
          </p>
        ) : (
          <ul className={styles["operations"]}>
            {[...operations]
              .sort((a, b) => b.startedAt - a.startedAt)
              .map((operation) => (
                <OperationLine key={operation.id} operation={operation} />
              ))}
          </ul>
        )}
      </Section>
      {!admin.hidden && <Audit />}
    </Page>
  );
}

function Audit() {
  const { data, error, refetch } = useApi("GET /api/audit", {}, { every: 5_000 });
  return (
    <Section title="Who changed what" aside="through this monitor, since it started">
      {data !== undefined ? (
        <Table
          label="Audit log"
          rows={data.lines}
          columns={COLUMNS}
          keyOf={keyOf}
          phone={phone}
          empty={<EmptyState title="Nothing was changed yet." />}
        />
      ) : error !== null ? (
        <ErrorState what="the audit log" error={error} retry={() => void refetch()} />
      ) : (
        <Skeleton rows={6} />
      )}
    </Section>
  );
}

const keyOf = ({ at, what, on, user, outcome }: AuditLine) => [at, what, on, user, outcome].join("\n");

const COLUMNS: readonly Column<AuditLine>[] = [
  { id: "at", header: "When", width: "96px", cell: ({ at }) => <RelativeTime at={at} /> },
  {
    id: "user",
    header: "Who",
    width: "minmax(90px, 0.6fr)",
    from: 560,
    cell: ({ user, role }) => <span className="ellipsis">{user ?? role}</span>,
  },
  {
    id: "what",
    header: "What",
    width: "minmax(160px, 1.2fr)",
    main: true,
    cell: ({ what }) => <code className="ellipsis">{what}</code>,
  },
  {
    id: "on",
    header: "On",
    width: "minmax(120px, 1fr)",
    from: 640,
    cell: ({ on }) => (
      <span className="ellipsis" title={on}>
        {on}
      </span>
    ),
  },
  {
    id: "count",
    header: "Tasks",
    width: "64px",
    align: "right",
    from: 720,
    cell: ({ count }) => <Count value={count} />,
  },
  {
    id: "outcome",
    header: "Outcome",
    width: "minmax(80px, 0.6fr)",
    cell: ({ outcome, code }) => (
      <span className={outcome === "done" ? "muted" : "bad ellipsis"} title={code ?? undefined}>
        {outcome === "done" ? "done" : `${outcome}${code === null ? "" : `: ${code}`}`}
      </span>
    ),
  },
];

const phone = ({ at, what, on, outcome }: AuditLine) => (
  <>
    <span className="ellipsis">
      <code>{what}</code>
    </span>
    <span className="muted ellipsis">
      <RelativeTime at={at} />, {outcome} {on}
    </span>
  </>
);
