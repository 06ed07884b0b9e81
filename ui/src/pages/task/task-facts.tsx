import type { TaskDetail, UniqueLock } from "../../api/types.ts";
import { Facts } from "../../components/page.tsx";
import { STATE_MEANINGS, STATE_WORDS } from "../../components/states.ts";
import { Bytes, Duration, Instant, RelativeTime } from "../../components/values.tsx";
import { quotedValue } from "../../filter/filter-text.ts";
import { link, withSearch } from "../../routing/location.ts";
import { Link } from "../../routing/router.tsx";
import styles from "./task-page.module.css";

/** What a task is, in words and in numbers. */
export function TaskFacts({ task }: { readonly task: TaskDetail }) {
  const { queue, type, state, damaged, retried, maxRetry, nextProcessAt, deadline, timeout, retention } =
    task;
  const { completedAt, lastFailedAt, group, headers, runningOn, payloadBytes, uniqueLock } = task;
  if (damaged) {
    return (
      <Facts
        facts={[
          ["State", STATE_WORDS[state]],
          [
            "Queue",
            <Link key="queue" to={link`/queues/${queue}`}>
              {queue}
            </Link>,
          ],
        ]}
      />
    );
  }
  return (
    <Facts
      facts={[
        ["State", <Two key="state" first={STATE_WORDS[state]} second={STATE_MEANINGS[state]} />],
        ["Next run", nextProcessAt !== null && <When key="nextProcessAt" at={nextProcessAt} />],
        [
          "Runs on",
          runningOn !== null && (
            <Two
              key="server"
              first={<Link to="/servers">{`${runningOn.host}:${runningOn.pid}`}</Link>}
              second={
                <>
                  since <RelativeTime at={runningOn.startedAt} />
                </>
              }
            />
          ),
        ],
        [
          "Type",
          type === "" ? null : (
            <Link key="type" to={withSearch("/tasks", { filter: `type:${quotedValue(type)}` })}>
              {type}
            </Link>
          ),
        ],
        [
          "Queue",
          <Link key="queue" to={link`/queues/${queue}`}>
            {queue}
          </Link>,
        ],
        ["Group", group !== null && group !== "" ? group : null],
        ["Unique lock", uniqueLock !== null && <Lock key="uniqueLock" task={task} lock={uniqueLock} />],
        ["Retried", `${retried} of ${maxRetry}`],
        ["Last failed", lastFailedAt !== null && <When key="lastFailedAt" at={lastFailedAt} />],
        ["Completed", completedAt !== null && <When key="completedAt" at={completedAt} />],
        [
          "Timeout",
          timeout === null ? <None key="timeout">none</None> : <Duration key="timeout" ms={timeout} />,
        ],
        ["Deadline", deadline !== null && <When key="deadline" at={deadline} />],
        [
          "Retention",
          retention === 0 ? (
            <None key="retention">not kept after success</None>
          ) : (
            <Duration key="retention" ms={retention} />
          ),
        ],
        ["Payload", payloadBytes === 0 ? null : <Bytes key="payload" value={payloadBytes} />],
        [
          "Headers",
          headers.length > 0 && (
            <dl key="headers" className={styles["headers"]}>
              {headers.map(({ name, value }) => (
                <div key={name}>
                  <dt className="mono muted anywhere">{name}</dt>
                  <dd className="mono anywhere">{value}</dd>
                </div>
              ))}
            </dl>
          ),
        ],
      ]}
    />
  );
}

function Lock({ task, lock }: { readonly task: TaskDetail; readonly lock: UniqueLock }) {
  const { holder, until } = lock;
  if (holder === null) return <None>free</None>;
  const first =
    holder === task.id ? (
      "held by this task"
    ) : (
      <>
        held by <Link to={link`/queues/${task.queue}/tasks/${holder}`}>{holder}</Link>
      </>
    );
  return (
    <Two
      first={first}
      second={
        until === null ? (
          "until it is freed"
        ) : (
          <>
            <Duration ms={Math.max(0, until - task.now)} /> left
          </>
        )
      }
    />
  );
}

function None({ children }: { readonly children: string }) {
  return <span className="muted">{children}</span>;
}

function Two({ first, second }: { readonly first: React.ReactNode; readonly second: React.ReactNode }) {
  return (
    <>
      {first}
      <div className="muted small">{second}</div>
    </>
  );
}

/** In words, and by the clock. */
function When({ at }: { readonly at: number }) {
  return <Two first={<RelativeTime at={at} />} second={<Instant at={at} />} />;
}
