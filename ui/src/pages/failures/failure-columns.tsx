import type { FailureGroup } from "../../api/types.ts";
import { Sparkline } from "../../components/sparkline.tsx";
import { byNumber, byText } from "../../components/stable-order.ts";
import { StateIcon } from "../../components/state-badge.tsx";
import type { Column } from "../../components/table.tsx";
import { Count, RelativeTime } from "../../components/values.tsx";
import { plural } from "../../format/numbers.ts";

export const failureKey = ({ fingerprint }: FailureGroup) => fingerprint;

export const FAILURE_COLUMNS: readonly Column<FailureGroup>[] = [
  {
    id: "count",
    header: "Tasks",
    width: "60px",
    align: "right",
    cell: ({ count }) => <Count value={count} className="medium" />,
    compare: byNumber(({ count }) => count),
    largestFirst: true,
  },
  {
    id: "spark",
    header: "Last 24 h",
    title: "Failures in each two hours of the last day",
    width: "84px",
    from: 560,
    cell: (group) => <GroupSpark group={group} />,
  },
  {
    id: "error",
    header: "Error",
    width: "minmax(160px, 3fr)",
    main: true,
    cell: ({ message }) => (
      <span title={message}>{message === "" ? <span className="muted">no message</span> : message}</span>
    ),
    compare: byText(({ message }) => message),
  },
  {
    id: "type",
    header: "Type",
    width: "minmax(90px, 1fr)",
    from: 480,
    cell: ({ type }) => <span title={type}>{type}</span>,
    compare: byText(({ type }) => type),
  },
  {
    id: "queues",
    header: "Queues",
    width: "minmax(70px, 130px)",
    from: 860,
    cell: ({ queues }) => (
      <span className="muted" title={queues.join("\n")}>
        {queues[0]}
        {queues.length > 1 && ` and ${queues.length - 1} more`}
      </span>
    ),
  },
  {
    id: "retry",
    header: "Retry",
    title: "They are tried again",
    width: "52px",
    align: "right",
    from: 700,
    cell: ({ retry }) => <Count value={retry} />,
    compare: byNumber(({ retry }) => retry),
    largestFirst: true,
  },
  {
    id: "archived",
    header: "Archived",
    title: "They wait for somebody to decide",
    width: "62px",
    align: "right",
    from: 700,
    cell: ({ archived }) => <Count value={archived} />,
    compare: byNumber(({ archived }) => archived),
    largestFirst: true,
  },
  {
    id: "first",
    header: "First seen",
    title: "Of the tasks that are still there",
    width: "76px",
    align: "right",
    from: 780,
    cell: ({ firstSeen }) => (
      <span className="muted">
        <RelativeTime at={firstSeen} />
      </span>
    ),
    compare: byNumber(({ firstSeen }) => firstSeen),
  },
  {
    id: "last",
    header: "Last seen",
    width: "76px",
    align: "right",
    cell: ({ lastSeen }) => <RelativeTime at={lastSeen} />,
    compare: byNumber(({ lastSeen }) => lastSeen),
    largestFirst: true,
  },
];

export function GroupSpark({
  group,
  width = 72,
  height = 16,
}: {
  readonly group: FailureGroup;
  readonly width?: number;
  readonly height?: number;
}) {
  const all = group.spark.reduce((sum, each) => sum + each, 0);
  return (
    <Sparkline
      values={group.spark}
      label={`${plural(all, "failure")} in the last 24 hours`}
      color="var(--bad)"
      width={width}
      height={height}
    />
  );
}

/** A group in two lines, for a phone. */
export function failureOnPhone(group: FailureGroup) {
  const { message, type, count, retry, archived, lastSeen } = group;
  return (
    <>
      <span className="row">
        <span className="medium ellipsis">{message || "no message"}</span>
        <span className="spacer" />
        <Count value={count} className="medium" />
      </span>
      <span className="row small muted">
        <span className="ellipsis">{type}</span>
        {retry > 0 && (
          <span className="row">
            <StateIcon state="retry" size={9} /> {retry}
          </span>
        )}
        {archived > 0 && (
          <span className="row">
            <StateIcon state="archived" size={9} /> {archived}
          </span>
        )}
        <span className="spacer" />
        <RelativeTime at={lastSeen} />
      </span>
    </>
  );
}
