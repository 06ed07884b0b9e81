import { Archive, CircleStop, Code, Copy, CopyPlus, Ellipsis, Play, Terminal, Trash2 } from "lucide-react";
import { useEffect, useState } from "react";
import { useMay } from "../../api/session.tsx";
import type { TaskDetail } from "../../api/types.ts";
import { useApi } from "../../api/use-api.ts";
import { takenBy } from "../../bulk/bulk-words.ts";
import { cancelTasks, changeTasks } from "../../bulk/task-actions.ts";
import { Banner } from "../../components/banner.tsx";
import { Button } from "../../components/button.tsx";
import { CopyButton, copyText } from "../../components/copy-button.tsx";
import { EmptyState, ErrorState, Skeleton } from "../../components/empty-state.tsx";
import { Menu, type MenuItem } from "../../components/menu.tsx";
import { Page, Section } from "../../components/page.tsx";
import { Payload } from "../../components/payload.tsx";
import { StateBadge } from "../../components/state-badge.tsx";
import { notify } from "../../components/toast.tsx";
import { RelativeTime } from "../../components/values.tsx";
import { quotedValue } from "../../filter/filter-text.ts";
import { clock } from "../../format/times.ts";
import { useKeys } from "../../keys/use-keys.ts";
import { engineNow } from "../../live/live.ts";
import { link, type PageParams, withSearch } from "../../routing/location.ts";
import { Link, useSearch } from "../../routing/router.tsx";
import { CopyDialog } from "./copy-dialog.tsx";
import { enqueueCommand, taskCode, taskCommand, whyNotWhole } from "./task-code.ts";
import { TaskFacts } from "./task-facts.tsx";
import styles from "./task-page.module.css";
import { Timeline } from "./timeline.tsx";

/** One task: what became of it, what it is, and what is in it. */
export default function TaskPage({ params: { queue = "", id = "" } }: PageParams) {
  const { data, error, refetch } = useApi(
    "GET /api/queues/{queue}/tasks/{id}",
    { params: { queue, id } },
    { every: 2_000, keep: false },
  );
  const isGone = error?.isGone ?? false;
  const goneSince = useSince(isGone && data !== undefined);
  if (data === undefined) {
    return (
      <Page title={id} heading={<Crumbs queue={queue}>{id}</Crumbs>}>
        {error === null ? (
          <Skeleton rows={12} />
        ) : isGone ? (
          <Missing queue={queue} id={id} />
        ) : (
          <ErrorState what={`task ${id}`} error={error} retry={() => void refetch()} />
        )}
      </Page>
    );
  }
  return (
    <TaskView task={data} goneSince={goneSince} problem={error !== null && !isGone ? error.message : null} />
  );
}

/** When something began to be so, by the engine's clock. */
function useSince(isSo: boolean): number | null {
  const [since, setSince] = useState<number | null>(null);
  useEffect(() => setSince(isSo ? engineNow() : null), [isSo]);
  return since;
}

function Missing({ queue, id }: { readonly queue: string; readonly id: string }) {
  return (
    <EmptyState
      title={`There is no task ${id} in ${queue}.`}
      action={
        <span className="row">
          <Link to={withSearch("/tasks", { filter: `id:${quotedValue(id)}` })}>Look in all queues</Link>
          <Link to={link`/queues/${queue}`}>To the queue</Link>
        </span>
      }
    >
      It has been deleted, or it succeeded and was not kept: only tasks with a retention are.
    </EmptyState>
  );
}

function Crumbs({ queue, children }: { readonly queue: string; readonly children: string }) {
  return (
    <>
      <Link to={link`/queues/${queue}`} className="muted">
        {queue}
      </Link>
      <span className="faint"> / </span>
      {children}
    </>
  );
}

interface TaskViewProps {
  readonly task: TaskDetail;
  /** Since when it is not there any more; `null`: it is. */
  readonly goneSince: number | null;
  /** Why nothing newer is known. */
  readonly problem: string | null;
}

function TaskView({ task, goneSince, problem }: TaskViewProps) {
  const { queue, id, type, state, damaged, orphaned, payload, result, deleteAt } = task;
  const [search, change] = useSearch();
  const operate = useMay("operate");
  const isGone = goneSince !== null;
  const name = damaged ? "Unreadable message" : type || "(no type)";
  const editing = search.get("edit") !== null && operate.allowed && !damaged;
  const edit = () => change({ edit: 1 });
  const actions = [
    { action: "run", label: "Run now", keys: "r", icon: Play, run: () => void changeTasks("run", [task]) },
    { action: "cancel", label: "Cancel", keys: "c", icon: CircleStop, run: () => void cancelTasks([task]) },
    {
      action: "archive",
      label: "Archive",
      keys: "a",
      icon: Archive,
      run: () => void changeTasks("archive", [task]),
    },
    {
      action: "delete",
      label: "Delete",
      keys: "d",
      icon: Trash2,
      run: () => void changeTasks("delete", [task]),
    },
  ] as const;
  const able = isGone ? [] : actions.filter(({ action }) => takenBy(action, [task]).length > 0);
  useKeys(
    operate.hidden
      ? []
      : [
          ...able.map(({ keys, label, run }) => ({
            keys,
            label: `${label}`,
            run: () => operate.allowed && run(),
          })),
          ...(damaged
            ? []
            : [{ keys: "e", label: "Edit and run as copy", run: () => operate.allowed && edit() }]),
        ],
  );
  const shown = able.filter(({ action }) => action !== "delete");
  return (
    <Page
      title={name}
      heading={
        <span className={damaged ? "bad" : undefined} title={name}>
          {name}
        </span>
      }
      facts={
        <>
          <StateBadge state={state} orphaned={orphaned} />
          <span className="ellipsis">
            in <Link to={link`/queues/${queue}`}>{queue}</Link>
          </span>
          <span className={styles["id"]}>
            <span className="mono ellipsis" title={id}>
              {id}
            </span>
            <CopyButton text={id} label="Copy the id" />
          </span>
        </>
      }
      actions={
        <>
          {shown.map(({ action, label, keys, icon: Icon, run }) => (
            <Button key={action} may={operate} icon={<Icon size={14} />} hotkey={keys} onClick={run}>
              {label}
            </Button>
          ))}
          {!damaged && (
            <Button may={operate} icon={<CopyPlus size={14} />} hotkey="e" onClick={edit}>
              Edit and run as copy
            </Button>
          )}
          <Menu
            label="More to do"
            icon={<Ellipsis size={16} />}
            items={[
              ...copyItems(task),
              ...able
                .filter(({ action }) => action === "delete")
                .map(({ label, keys, icon: Icon, run }) => ({
                  label,
                  hotkey: keys,
                  icon: <Icon size={14} />,
                  danger: true,
                  may: operate,
                  run,
                })),
            ]}
          />
        </>
      }
    >
      {isGone && (
        <Banner tone="info">
          Gone since {clock(goneSince, true)}: deleted, or succeeded and not kept. What follows was known of
          it then.
        </Banner>
      )}
      {problem !== null && <Banner tone="warning">This is as of a while ago: {problem}</Banner>}
      {deleteAt !== null && !isGone && (
        <Banner tone="warning">
          It is deleted <RelativeTime at={deleteAt} />, unless it is run, or the deletion is undone in{" "}
          <Link to="/activity">Activity</Link>.
        </Banner>
      )}
      {damaged && (
        <Banner tone="bad">
          Its message is missing or unreadable: only its queue, its id and its state mean anything. It can be
          archived or deleted.
        </Banner>
      )}
      <div className={isGone ? styles["gone"] : undefined}>
        <div className={styles["columns"]}>
          <Section title="What became of it">
            <Timeline task={task} isGone={isGone} />
          </Section>
          <Section title="Facts">
            <TaskFacts task={task} />
          </Section>
        </div>
        <div className={styles["contents"]}>
          <Payload
            title="Payload"
            content={payload}
            {...(!isGone && { wholeAt: contentPath(queue, id, "payload") })}
          />
          {result.kind !== "none" && (
            <Payload
              title="Result"
              content={result}
              {...(!isGone && { wholeAt: contentPath(queue, id, "result") })}
            />
          )}
        </div>
      </div>
      {editing && <CopyDialog task={task} isGone={isGone} onClose={() => change({ edit: null })} />}
    </Page>
  );
}

function contentPath(queue: string, id: string, what: "payload" | "result"): string {
  return link`api/queues/${queue}/tasks/${id}/` + what;
}

function copyItems(task: TaskDetail): readonly MenuItem[] {
  const whole = task.damaged ? "Its message is unreadable." : whyNotWhole(task.payload);
  const command = whole === null ? enqueueCommand(task) : null;
  const copy = (what: string, text: string) => () =>
    copyText(text).then(
      () => notify({ text: `${what} copied.` }),
      () => notify({ text: "The browser did not let this be copied.", tone: "bad" }),
    );
  const may = (reason: string | null) => ({ allowed: reason === null, reason, hidden: false });
  const asCommand = whole ?? (command === null ? "The command line takes only JSON as payload." : null);
  return [
    {
      label: "Copy as TypeScript",
      icon: <Code size={14} />,
      may: may(whole),
      run: () => void copy("Code", taskCode(task))(),
    },
    {
      label: "Copy as command that enqueues it",
      icon: <Terminal size={14} />,
      may: may(asCommand),
      run: () => void copy("Command", command ?? "")(),
    },
    {
      label: "Copy as command that shows it",
      icon: <Terminal size={14} />,
      run: () => void copy("Command", taskCommand("inspect", task))(),
    },
    {
      label: "Copy its link",
      icon: <Copy size={14} />,
      run: () => void copy("Link", window.location.href)(),
    },
  ];
}
