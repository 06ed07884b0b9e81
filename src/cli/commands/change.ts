import { type Command, Option } from "commander";
import type {
  BulkResult,
  CancelAnswer,
  ChangeResult,
  Inspector,
  MatchingOptions,
  MatchingResult,
  TaskRef,
  TaskState,
} from "titanqueue";
import { tellStopped, type Watch, watched } from "../bulk.ts";
import { confirm } from "../confirm.ts";
import { each } from "../each.ts";
import { Refusal } from "../ending.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { type Exit, operate } from "../operate.ts";
import { count, tasks } from "../progress.ts";
import type { Session } from "../session.ts";
import { told } from "../told-error.ts";
import { changeMatching } from "./matching.ts";
import {
  filterOption,
  groupOption,
  idsOf,
  limitOption,
  queueOption,
  rateOption,
  stateOption,
  yesOption,
} from "./shared.ts";

/** What an operator does to tasks, one by one or to all of a state. */
interface Verb {
  readonly name: "run" | "archive" | "delete";
  readonly aliases: readonly string[];
  readonly doing: string;
  readonly done: string;
  readonly about: string;
  /** States whose tasks it changes, by a filter or all of them. */
  readonly states: readonly TaskState[];
  /** It cannot be taken back, even for one task. */
  readonly destroys: boolean;
  readonly some: (inspector: Inspector, tasks: readonly TaskRef[]) => Promise<ChangeResult[]>;
  readonly all: (
    inspector: Inspector,
    queue: string,
    state: TaskState,
    options: Watch & { readonly group?: string; readonly rate?: number },
  ) => Promise<BulkResult>;
  readonly matching: (
    inspector: Inspector,
    filter: string,
    options: MatchingOptions,
  ) => Promise<MatchingResult>;
}

const VERBS: readonly Verb[] = [
  {
    name: "run",
    aliases: [],
    doing: "putting into their queue",
    done: "pending",
    about: "put them into their queue now, whatever they wait for",
    states: ["scheduled", "retry", "archived", "aggregating"],
    destroys: false,
    some: (inspector, tasks) => inspector.runTasks(tasks),
    all: (inspector, queue, state, options) => inspector.runAll(queue, state, options),
    matching: (inspector, filter, options) => inspector.runMatching(filter, options),
  },
  {
    name: "archive",
    aliases: [],
    doing: "archiving",
    done: "archived",
    about: "set them aside: they do not run until somebody runs them",
    states: ["pending", "scheduled", "retry", "aggregating"],
    destroys: false,
    some: (inspector, tasks) => inspector.archiveTasks(tasks),
    all: (inspector, queue, state, options) => inspector.archiveAll(queue, state, options),
    matching: (inspector, filter, options) => inspector.archiveMatching(filter, options),
  },
  {
    name: "delete",
    aliases: ["remove", "rm"],
    doing: "deleting",
    done: "deleted",
    about: "remove them for good",
    states: ["pending", "scheduled", "retry", "archived", "completed", "aggregating"],
    destroys: true,
    some: (inspector, tasks) => inspector.deleteTasks(tasks),
    all: (inspector, queue, state, options) => inspector.deleteAll(queue, state, options),
    matching: (inspector, filter, options) => inspector.deleteMatching(filter, options),
  },
];

export function changeCommands(task: Command, exit: Exit): void {
  for (const verb of VERBS) {
    const one = task
      .command(verb.name)
      .aliases(verb.aliases)
      .description(`tasks by their ids: ${verb.about}`)
      .argument("[ids...]", "their ids")
      .addOption(queueOption().makeOptionMandatory())
      .option("-i, --id <id>", "the same as the id as a word");
    if (verb.destroys) one.addOption(yesOption());
    one.action(
      operate<SomeOptions, [string[]]>(exit, (session, options, ids) => some(verb, session, options, ids)),
    );
  }
  for (const verb of VERBS) {
    task
      .command(`${verb.name}all`)
      .alias(`${verb.name}-all`)
      .alias(`${verb.name}_all`)
      .description(`all tasks in one state, or all that meet a filter: ${verb.about}`)
      .addOption(queueOption())
      .addOption(stateOption(verb.states))
      .addOption(groupOption())
      .addOption(filterOption())
      .option("--dry-run", "with --filter: only count them, and show some")
      .addOption(limitOption())
      .addOption(rateOption())
      .addOption(yesOption())
      .action(operate<AllOptions>(exit, (session, options) => all(verb, session, options)));
  }
  task
    .command("cancel")
    .description("stop tasks: one that runs is told to end, one that waits is archived or deleted")
    .argument("<ids...>", "their ids")
    .addOption(
      new Option(
        "-q, --queue <queue>",
        "their queue; without it only those that run are told, in any queue, unseen",
      ),
    )
    .addOption(
      new Option("--then <what>", "with --queue: what becomes of a task that waits")
        .choices(["archive", "delete", "retry"])
        .default("archive"),
    )
    .action(operate<CancelCommandOptions, [string[]]>(exit, cancel));
}

interface SomeOptions {
  readonly queue: string;
  readonly id?: string;
  readonly yes?: boolean;
}

async function some(
  verb: Verb,
  session: Session,
  options: SomeOptions,
  words: readonly string[],
): Promise<ExitCode> {
  const { inspector, out, place } = session;
  const { queue, yes } = options;
  const ids = idsOf(words, options.id);
  if (verb.destroys) await confirm(out, { what: `${verb.name} ${ids.join(", ")} of queue "${queue}"`, yes });
  const results = await verb.some(
    inspector,
    ids.map((id) => ({ queue, id })),
  );
  const failures = results.flatMap((result) => (result.ok ? [] : [told(result.error, place)]));
  if (out.mode === "text") {
    out.list({
      name: "tasks",
      items: results.filter(({ ok }) => ok),
      look: { line: ({ task }) => `${task.id} is ${verb.done}` },
    });
    for (const failure of failures) out.error(failure);
  } else out.list({ name: "tasks", items: results, look: { line: String }, json: resultJson });
  return failures.length === 0 ? EXIT.ok : EXIT.failed;
}

/** What became of each is in the document; the exit code says whether to look. */
function resultJson(result: ChangeResult): object {
  const { queue, id } = result.task;
  if (result.ok) return { queue, id, ok: true, error: null };
  const { code, message } = told(result.error);
  return { queue, id, ok: false, error: { code, message } };
}

interface AllOptions {
  readonly queue?: string;
  readonly state?: TaskState;
  readonly filter?: string;
  readonly dryRun?: boolean;
  readonly limit?: number;
  readonly group?: string;
  readonly rate?: number;
  readonly yes?: boolean;
}

async function all(verb: Verb, session: Session, options: AllOptions): Promise<ExitCode> {
  const { inspector, out, place } = session;
  const { queue, state, group, rate, yes } = options;
  if (options.filter !== undefined) return matching(verb, session, options, options.filter);
  if (options.dryRun || options.limit !== undefined)
    throw new Refusal("--dry-run and --limit go with --filter");
  if (queue === undefined || state === undefined) {
    throw new Refusal("which tasks? name --queue and --state, or write a --filter");
  }
  if (state === "aggregating" && group === undefined) throw new Refusal("which group? name it by --group");
  const info = await inspector.getQueueInfo(queue);
  const where = group === undefined ? `of queue "${queue}"` : `in group "${group}" of queue "${queue}"`;
  const many = group === undefined ? `all ${count(info[state])} ${state} tasks` : "all tasks";
  await confirm(out, { what: `${verb.name} ${many} ${where} at ${place.shown}`, yes });
  const { result } = await watched(out, verb.doing, (watch) =>
    verb.all(inspector, queue, state, {
      ...watch,
      ...(group !== undefined && { group }),
      ...(rate !== undefined && { rate }),
    }),
  );
  if (result === undefined) throw new Error("a bulk operation answers when it is stopped");
  const { changed, total, stopped } = result;
  out.say(
    { queue, state, group: group ?? null, change: verb.name, changed, total, stopped },
    `${tasks(changed)} ${changed === 1 ? "is" : "are"} ${verb.done}`,
  );
  return stopped ? tellStopped(out, { done: changed, total }) : EXIT.ok;
}

async function matching(
  verb: Verb,
  session: Session,
  options: AllOptions,
  filter: string,
): Promise<ExitCode> {
  const { queue, state, group, rate, limit, dryRun, yes } = options;
  if (group !== undefined) throw new Refusal("with --filter, name the group there: group:…");
  const scope = {
    rate,
    limit,
    ...(queue !== undefined && { queues: [queue] }),
    ...(state !== undefined && { states: [state] }),
  };
  return changeMatching(session, {
    change: verb.name,
    doing: verb.doing,
    done: verb.done,
    dryRun,
    yes,
    work: (watch) => verb.matching(session.inspector, filter, { ...scope, ...watch }),
  });
}

interface CancelCommandOptions {
  readonly queue?: string;
  readonly then: "archive" | "delete" | "retry";
}

const ANSWERS: Readonly<Record<CancelAnswer | "asked", (then: CancelCommandOptions["then"]) => string>> = {
  canceled: (then) =>
    then === "delete" ? "is deleted" : then === "retry" ? "waits for its turn" : "is archived",
  signaled: () => "runs; its server was told to end it",
  finished: () => "had ended before",
  asked: () => "is told to end, if it runs",
};

async function cancel(
  session: Session,
  options: CancelCommandOptions,
  ids: readonly string[],
): Promise<ExitCode> {
  const { inspector, out } = session;
  const { queue, then } = options;
  const { items, code } = await each(session, ids, async (id) => {
    if (queue !== undefined)
      return { queue, id, answer: await inspector.cancelTask({ queue, id }, { then }) };
    await inspector.cancelProcessing(id);
    return { queue: null, id, answer: "asked" as const };
  });
  out.list({ name: "tasks", items, look: { line: ({ id, answer }) => `${id} ${ANSWERS[answer](then)}` } });
  return code;
}
