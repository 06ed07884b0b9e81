import type { CSSProperties } from "react";
import type { ServerCard, WorkerRow } from "../../api/types.ts";
import { classes } from "../../components/classes.ts";
import { Age, Elapsed } from "../../components/values.tsx";
import { plural } from "../../format/numbers.ts";
import { duration } from "../../format/times.ts";
import { link } from "../../routing/location.ts";
import { Link } from "../../routing/router.tsx";
import styles from "./servers-page.module.css";
import { typeHue } from "./type-hue.ts";

/** Slots that are drawn; more of them are only counted. */
const MOST_CELLS = 200;
/** Milliseconds: handlers that compute for so long hold up heartbeats and every other task. */
const LAGS = 250;
/** Tasks that are named; the cells have the others. */
const MOST_NAMED = 8;

/** One server: its slots as cells, filled by type of task, and below them what has run for longest. */
export function Server({ server }: { readonly server: ServerCard }) {
  const { id, host, pid, status, startedAt, version, lag, concurrency, workers } = server;
  const longest = [...workers].sort((a, b) => a.startedAt - b.startedAt);
  const free = Math.max(0, concurrency - workers.length);
  const cells = longest.slice(0, MOST_CELLS);
  return (
    <article className={styles["server"]} aria-label={`${host}, process ${pid}`}>
      <header className={styles["head"]}>
        <h2 className="anywhere" title={id}>
          {host}
          <span className="faint">:{pid}</span>
        </h2>
        {status !== "active" && <span className="warning">{status}</span>}
        <span className="spacer" />
        <span className="muted small">
          {version ?? "Go"}, up <Age since={startedAt} />
          {lag !== null && (
            <span
              className={classes(lag >= LAGS && "warning")}
              title="How late its event loop came round, at most, between its last two heartbeats"
            >
              , lag {duration(lag)}
            </span>
          )}
        </span>
      </header>
      <Queues server={server} />
      <div className={styles["cells"]}>
        {cells.map((worker) => (
          <Link
            key={`${worker.queue}\n${worker.taskId}`}
            to={link`/queues/${worker.queue}/tasks/${worker.taskId}`}
            className={styles["busy"] ?? ""}
            style={{ "--hue": typeHue(worker.type) } as CSSProperties}
            title={`${worker.type} ${worker.taskId}`}
            aria-label={`${worker.type}, task ${worker.taskId}`}
          />
        ))}
        {Array.from({ length: Math.min(free, MOST_CELLS - cells.length) }, (_, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: free slots are all the same
          <span key={i} className={styles["free"]} />
        ))}
      </div>
      <p className="muted small">
        {workers.length} of {plural(concurrency, "slot")} busy
      </p>
      {longest.length > 0 && <Workers workers={longest} />}
    </article>
  );
}

function Queues({ server: { queues, strictPriority } }: { readonly server: ServerCard }) {
  const sorted = [...queues].sort((a, b) => b.priority - a.priority || a.queue.localeCompare(b.queue));
  return (
    <p className={styles["queues"]}>
      {sorted.map(({ queue, priority }) => (
        <span key={queue} className="anywhere">
          <Link to={link`/queues/${queue}`} className="plain-link">
            {queue}
          </Link>{" "}
          <span className="faint">{priority}</span>
        </span>
      ))}
      {strictPriority && <span className="muted">strict</span>}
    </p>
  );
}

function Workers({ workers }: { readonly workers: readonly WorkerRow[] }) {
  const more = workers.length - MOST_NAMED;
  return (
    <ul className={styles["workers"]}>
      {workers.slice(0, MOST_NAMED).map((worker) => (
        <li key={`${worker.queue}\n${worker.taskId}`}>
          <span className={styles["mark"]} style={{ "--hue": typeHue(worker.type) } as CSSProperties} />
          <Link to={link`/queues/${worker.queue}/tasks/${worker.taskId}`} className="plain-link ellipsis">
            {worker.type}
          </Link>
          <span className="faint ellipsis">{worker.queue}</span>
          <span className="number">
            <Elapsed since={worker.startedAt} />
          </span>
        </li>
      ))}
      {more > 0 && <li className="muted">and {plural(more, "younger one")}</li>}
    </ul>
  );
}
