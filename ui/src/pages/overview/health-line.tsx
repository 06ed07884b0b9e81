import { CircleCheck, CircleDashed, OctagonAlert, TriangleAlert } from "lucide-react";
import type { Health, HealthFinding } from "../../api/types.ts";
import { classes } from "../../components/classes.ts";
import { link } from "../../routing/location.ts";
import { Link } from "../../routing/router.tsx";
import styles from "./health-line.module.css";

const SHAPES = {
  good: CircleCheck,
  warning: TriangleAlert,
  bad: OctagonAlert,
  unknown: CircleDashed,
} as const;

/** Whether all is well, in words; each cause is a link to where it can be dealt with. */
export function HealthLine({ health }: { readonly health: Health }) {
  const { status, sentence, findings } = health;
  const Shape = SHAPES[status];
  return (
    <div className={classes(styles["health"], styles[status])} role="status">
      <Shape size={22} aria-hidden className={styles["shape"]} />
      {findings.length === 0 ? (
        <h1 className={styles["sentence"]}>{sentence}</h1>
      ) : (
        <h1 className={styles["findings"]}>
          {findings.slice(0, MOST).map((finding) => (
            <span key={`${finding.code} ${finding.queue} ${finding.text}`} className={styles["sentence"]}>
              <Finding finding={finding} />
            </span>
          ))}
          {findings.length > MOST && (
            <span className={styles["more"]}>And {findings.length - MOST} more.</span>
          )}
        </h1>
      )}
    </div>
  );
}

const MOST = 5;

/** Where what is wrong can be looked at. */
function placeOf({ code, queue }: HealthFinding): string | null {
  if (code === "missed-tick") return "/schedulers";
  if (code === "queue-unreadable") return "/engine";
  return queue === null ? null : link`/queues/${queue}`;
}

function Finding({ finding }: { readonly finding: HealthFinding }) {
  const { text } = finding;
  const to = placeOf(finding);
  const className = classes(styles["finding"], "anywhere");
  return to === null ? (
    <span className={className}>{text}</span>
  ) : (
    <Link to={to} className={className}>
      {text}
    </Link>
  );
}
