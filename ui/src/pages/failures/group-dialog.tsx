import type { ReactNode } from "react";
import type { FailureGroup } from "../../api/types.ts";
import { Dialog } from "../../components/dialog.tsx";
import { Facts } from "../../components/page.tsx";
import { StateBadge } from "../../components/state-badge.tsx";
import { taskLink } from "../../components/task-columns.tsx";
import { Instant, RelativeTime } from "../../components/values.tsx";
import { exactCount } from "../../format/numbers.ts";
import { withSearch } from "../../routing/location.ts";
import { Link } from "../../routing/router.tsx";
import { GroupSpark } from "./failure-columns.tsx";
import styles from "./failures-page.module.css";

export interface GroupDialogProps {
  readonly group: FailureGroup;
  readonly onClose: () => void;
  readonly actions: ReactNode;
}

/** One group of failures: what went wrong, how often, and one of its tasks. */
export function GroupDialog({ group, onClose, actions }: GroupDialogProps) {
  const { type, message, count, retry, archived, queues, firstSeen, lastSeen, sample, filter } = group;
  return (
    <Dialog title={type || "(no type)"} size="large" onClose={onClose} actions={actions}>
      <div className="stack">
        <pre className={styles["error"]}>{sample.lastError ?? (message || "no message")}</pre>
        <Facts
          facts={[
            [
              "Tasks",
              <span key="tasks" className="row wrap">
                <span className="medium">{exactCount(count)}</span>
                {retry > 0 && (
                  <span className="row">
                    <StateBadge state="retry" /> {exactCount(retry)}
                  </span>
                )}
                {archived > 0 && (
                  <span className="row">
                    <StateBadge state="archived" /> {exactCount(archived)}
                  </span>
                )}
                <Link to={withSearch("/tasks", { filter })}>Find those like it</Link>
              </span>,
            ],
            ["Last 24 hours", <GroupSpark key="spark" group={group} width={240} height={28} />],
            ["First seen", firstSeen !== null && <Seen key="first" at={firstSeen} />],
            ["Last seen", lastSeen !== null && <Seen key="last" at={lastSeen} />],
            ["Queues", queues.join(", ")],
            [
              "The last one",
              <Link key="sample" to={taskLink(sample)} className="mono">
                {sample.id}
              </Link>,
            ],
            ["Its payload", sample.preview && <span className="mono">{sample.preview}</span>],
          ]}
        />
      </div>
    </Dialog>
  );
}

function Seen({ at }: { readonly at: number }) {
  return (
    <>
      <RelativeTime at={at} />{" "}
      <span className="faint small">
        <Instant at={at} />
      </span>
    </>
  );
}
