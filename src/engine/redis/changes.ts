import type { Change, ChangeAnswer, ChangeOptions, Inspection } from "../../broker/inspection.ts";
import { RedisWrongTypeError } from "../../errors.ts";
import { groupKey, queueKeys } from "../../protocol/keys.ts";
import { floorSeconds, pendingSinceNs } from "../../protocol/units.ts";
import { withinClock } from "./clock-guard.ts";
import type { RedisContext } from "./redis-context.ts";
import { changeSome, changeTasks } from "./scripts.gen.ts";

type Context = Pick<RedisContext, "commands" | "clock" | "runtime" | "commandTimeout" | "cluster">;

/** Tasks that one script call changes: two or three milliseconds of Redis's time. */
const MOST_TASKS = 200;
/** Ids of a long `pending` that are read at once, in search of some. */
const READ_AT_ONCE = 5_000;
/** The list moves on between a look and a change: so far beside it is looked again. */
const SLACK = 500;
const SEARCHES = 3;

const ANSWERS = ["changed", "missing", "active", "unchanged"] as const;
/** The script has not found the task where it looked. */
const ELSEWHERE = 5;

/** A part of `pending`, by the left. */
interface Window {
  readonly first: number;
  readonly last: number;
}

const ANYWHERE: Window = { first: -1, last: -1 };

/** What an operator does to tasks. */
export function redisChanges(context: Context): Pick<Inspection, "changeTasks" | "changeSome"> {
  const { commands } = context;

  async function change(
    queue: string,
    what: Change,
    ids: readonly string[],
    { from = "" }: Pick<ChangeOptions, "from"> | { from?: "" },
    { first, last }: Window,
  ): Promise<(number | Buffer)[]> {
    const names = queueKeys(queue);
    const { taskPrefix, uniquePrefix, groupPrefix } = names;
    const reply = await withinClock(context, ({ now, deadline }, call) => {
      const time = { now, deadline, nowSeconds: floorSeconds(now), pendingSince: pendingSinceNs(now) };
      const prefixes = { prefixLength: Buffer.byteLength(taskPrefix), uniquePrefix, groupPrefix };
      const window = { windowFirst: first, windowLast: last };
      return changeTasks.run(
        commands,
        { ...names, tasks: ids.map((id) => taskPrefix + id) },
        { change: what, from, ...time, ...prefixes, ...window },
        call,
      );
    });
    return reply as (number | Buffer)[];
  }

  /** Goes through `pending` for tasks that lie too deep in it for a script to look for them. */
  async function changeDeep(
    queue: string,
    what: Change,
    ids: readonly string[],
    options: ChangeOptions,
    settle: (id: string, answer: ChangeAnswer) => void,
  ): Promise<void> {
    const { pending } = queueKeys(queue);
    const wanted = new Set(ids);
    for (let search = 0; search < SEARCHES && wanted.size > 0; search += 1) {
      for (let first = 0; wanted.size > 0; first += READ_AT_ONCE) {
        const last = first + READ_AT_ONCE - 1;
        const listed = (await commands.command(pending, "LRANGE", [pending, first, last])) as Buffer[];
        const found = listed.map(String).filter((id) => wanted.has(id));
        for (const some of cut(found)) {
          const replies = await change(queue, what, some, options, around({ first, last }));
          for (const [i, id] of some.entries()) {
            if (replies[i] === ELSEWHERE) continue;
            wanted.delete(id);
            settle(id, answerOf(replies[i]));
          }
        }
        if (listed.length < READ_AT_ONCE) break;
      }
    }
    for (const id of wanted) settle(id, { status: "missing" });
  }

  return {
    async changeTasks(queue, what, ids, options = {}) {
      const answers = new Map<string, ChangeAnswer>();
      const deep: string[] = [];
      const window = options.near === undefined ? ANYWHERE : around(JSON.parse(options.near) as Window);
      for (const some of cut([...new Set(ids)])) {
        const replies = await change(queue, what, some, options, window);
        for (const [i, id] of some.entries()) {
          if (replies[i] === ELSEWHERE) deep.push(id);
          else answers.set(id, answerOf(replies[i]));
        }
      }
      await changeDeep(queue, what, deep, options, (id, answer) => answers.set(id, answer));
      return ids.map((id) => answers.get(id) ?? { status: "missing" });
    },

    async changeSome(queue, what, { state, group = "" }, limit) {
      const names = queueKeys(queue);
      const { taskPrefix, uniquePrefix } = names;
      const container = state === "aggregating" ? groupKey(queue, group) : names[state];
      const reply = await withinClock(context, ({ now, deadline }, call) => {
        const time = { now, deadline, nowSeconds: floorSeconds(now), pendingSince: pendingSinceNs(now) };
        const part = {
          state,
          group: state === "aggregating" ? group : "",
          limit: Math.min(limit, MOST_TASKS),
        };
        return changeSome.run(
          commands,
          { ...names, container },
          { change: what, ...part, ...time, taskPrefix, uniquePrefix },
          call,
        );
      });
      const [handled, changed] = reply as [number, number];
      return { handled, changed };
    },
  };
}

function around({ first, last }: Window): Window {
  return { first: Math.max(0, first - SLACK), last: last + SLACK };
}

function answerOf(reply: number | Buffer | undefined): ChangeAnswer {
  if (typeof reply === "number") return { status: ANSWERS[reply - 1] ?? "missing" };
  const key = String(reply);
  const problem = `the key "${key}" is of another type than it should be: another program writes to it`;
  return { status: "failed", error: new RedisWrongTypeError(`change_tasks: ${problem}`, key) };
}

function* cut(ids: readonly string[]): Generator<readonly string[]> {
  for (let at = 0; at < ids.length; at += MOST_TASKS) yield ids.slice(at, at + MOST_TASKS);
}
