import { CirclePause, CirclePlay, Pencil, Play, Trash2 } from "lucide-react";
import { useMay } from "../../api/session.tsx";
import type { SchedulerEntry } from "../../api/types.ts";
import { useApi } from "../../api/use-api.ts";
import { Button } from "../../components/button.tsx";
import { classes } from "../../components/classes.ts";
import { Dialog } from "../../components/dialog.tsx";
import { Skeleton } from "../../components/empty-state.tsx";
import { Facts, Section } from "../../components/page.tsx";
import { Payload } from "../../components/payload.tsx";
import { RelativeTime } from "../../components/values.tsx";
import { absolute } from "../../format/times.ts";
import { link } from "../../routing/location.ts";
import { Link } from "../../routing/router.tsx";
import { pauseEntry, removeEntry, resumeEntry, runNow } from "./entry-actions.ts";
import { OUTCOME_TONES, OUTCOME_WORDS } from "./outcome-words.ts";
import styles from "./schedulers-page.module.css";

interface EntryProps {
  readonly entry: SchedulerEntry;
  readonly onEdit: () => void;
  readonly onClose: () => void;
}

/** One entry, whole: when it is due, and what it enqueues. */
export function Entry({ entry, onEdit, onClose }: EntryProps) {
  const { id, spec, words, type, queue, options, payload, schedulers, stored, paused } = entry;
  const operate = useMay("operate");
  const remove = () =>
    void removeEntry(entry).then((isGone) => {
      if (isGone) onClose();
    });
  return (
    <Dialog
      title={type}
      size="large"
      onClose={onClose}
      actions={
        <>
          {stored && (
            <Button may={operate} look="danger" icon={<Trash2 size={14} />} onClick={remove}>
              Remove
            </Button>
          )}
          <span className="spacer" />
          {entry.definition !== null && (
            <Button may={operate} icon={<Pencil size={14} />} onClick={onEdit}>
              Edit
            </Button>
          )}
          <Button
            may={operate}
            icon={paused ? <CirclePlay size={14} /> : <CirclePause size={14} />}
            onClick={() => (paused ? resumeEntry(entry) : pauseEntry(entry))}
          >
            {paused ? "Resume" : "Pause"}
          </Button>
          {stored && (
            <Button may={operate} look="primary" icon={<Play size={14} />} onClick={() => runNow(entry)}>
              Run now
            </Button>
          )}
        </>
      }
    >
      <div className={styles["entry"]}>
        <Facts
          facts={[
            ["When", words],
            ["Spec", <code key="spec">{spec}</code>],
            ["Queue", queue && <Link to={link`/queues/${queue}`}>{queue}</Link>],
            ["Options", options.length > 0 && options.join(", ")],
            ["Kept", stored ? "in the engine, for all schedulers" : "by its scheduler, as long as that runs"],
            [
              "Seen to by",
              schedulers === 0 ? "nobody" : schedulers === 1 ? "one scheduler" : `${schedulers} schedulers`,
            ],
            ["Id", <code key="id">{id}</code>],
          ]}
        />
        <div className={styles["columns"]}>
          <NextRuns entry={entry} />
          <Events id={id} queue={queue} />
        </div>
        <Payload title="Payload" content={payload} />
      </div>
    </Dialog>
  );
}

function NextRuns({ entry: { nextRuns, paused } }: { readonly entry: SchedulerEntry }) {
  return (
    <Section title="Next ones" aside={paused && "if it were not paused"}>
      {nextRuns.length === 0 ? (
        <p className="muted">Never, as far as is known.</p>
      ) : (
        <ol className={styles["runs"]}>
          {nextRuns.map((at) => (
            <li key={at}>
              <LocalAndUtc at={at} />
              <span className="faint">
                <RelativeTime at={at} />
              </span>
            </li>
          ))}
        </ol>
      )}
    </Section>
  );
}

/** Servers and cron specs are mostly in UTC, whoever looks is not. */
function LocalAndUtc({ at }: { readonly at: number }) {
  const local = absolute(at);
  const utc = absolute(at, "UTC");
  return (
    <span>
      {local}
      {utc !== local && (
        <>
          <br />
          <span className="faint">{utc}</span>
        </>
      )}
    </span>
  );
}

function Events({ id, queue }: { readonly id: string; readonly queue: string | null }) {
  const { data } = useApi(
    "GET /api/schedulers/{id}/events",
    { params: { id }, query: { page_size: 10 } },
    { every: 10_000 },
  );
  return (
    <Section title="Last ones">
      {data === undefined ? (
        <Skeleton rows={5} />
      ) : data.events.length === 0 ? (
        <p className="muted">None was enqueued yet.</p>
      ) : (
        <ul className={styles["runs"]}>
          {data.events.map(({ taskId, enqueuedAt, outcome }) => {
            const words = OUTCOME_WORDS[outcome];
            return (
              <li key={`${taskId}${enqueuedAt}`}>
                <RelativeTime at={enqueuedAt} />
                {queue === null || outcome === "gone" ? (
                  <span className="faint">{words}</span>
                ) : (
                  <Link
                    to={link`/queues/${queue}/tasks/${taskId}`}
                    className={classes(OUTCOME_TONES[outcome] === "bad" && "bad")}
                  >
                    {words}
                  </Link>
                )}
              </li>
            );
          })}
        </ul>
      )}
    </Section>
  );
}
