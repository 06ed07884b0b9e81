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
/** The list moves on between a look and the next: so far beside a place it is looked again. */
const SLACK = 1_000;
const SEARCHES = 3;

const ANSWERS = ["changed", "missing", "active", "unchanged"] as const;
/** The script has not found the task where it looked. */
const ELSEWHERE = 5;

/** A part of `pending`, by the left. */
interface Stretch {
  readonly first: number;
  readonly last: number;
}

const EVERYWHERE: Stretch = { first: 0, last: Number.POSITIVE_INFINITY };

/** Where in `pending`, from the left, an id was seen. */
interface Seen {
  readonly id: string;
  readonly place: number;
}

/** What an operator does to tasks. */
export function redisChanges(context: Context): Pick<Inspection, "changeTasks" | "changeSome"> {
  const { commands } = context;

  async function change(
    queue: string,
    what: Change,
    ids: readonly string[],
    { from }: Pick<ChangeOptions, "from">,
    places: number[] = [],
  ): Promise<(number | Buffer)[]> {
    const names = queueKeys(queue);
    const { taskPrefix, uniquePrefix, groupPrefix } = names;
    const reply = await withinClock(context, ({ now, deadline }, call) => {
      const time = { now, deadline, nowSeconds: floorSeconds(now), pendingSince: pendingSinceNs(now) };
      const prefixes = { prefixLength: Buffer.byteLength(taskPrefix), uniquePrefix, groupPrefix };
      return changeTasks.run(
        commands,
        { ...names, tasks: ids.map((id) => taskPrefix + id) },
        { change: what, from: from ?? "", ...time, ...prefixes, places },
        call,
      );
    });
    return reply as (number | Buffer)[];
  }

  /**
   * Looks for ids in a stretch of `pending`. To take some out of the middle, Redis walks to them from an end: the more of
   * them at once, the fewer such walks, and none is longer than half of the list.
   *
   * @param patience - as many as this are gathered, if there are so many, before any are handed on
   */
  async function* lookFor(
    queue: string,
    wanted: ReadonlySet<string>,
    { first, last }: Stretch,
    patience: number,
  ): AsyncGenerator<readonly Seen[]> {
    const { pending } = queueKeys(queue);
    const middle = ((await commands.command(pending, "LLEN", [pending])) as number) / 2;
    let seen: Seen[] = [];
    for (let from = first; from <= last && wanted.size > 0; from += READ_AT_ONCE) {
      const to = Math.min(last, from + READ_AT_ONCE - 1);
      const listed = (await commands.command(pending, "LRANGE", [pending, from, to])) as Buffer[];
      for (const [i, id] of listed.map(String).entries()) {
        if (!wanted.has(id)) continue;
        const place = from + i;
        const isBeyondMiddle = seen.length > 0 && (seen[0] as Seen).place < middle && place >= middle;
        if (isBeyondMiddle || seen.length === MOST_TASKS) {
          yield seen;
          seen = [];
        }
        seen.push({ id, place });
      }
      if (listed.length < to - from + 1) break;
      if (seen.length < patience) continue;
      yield seen;
      seen = [];
    }
    if (seen.length > 0) yield seen;
  }

  /** Changes those that it finds in a stretch of `pending`, and tells what is left. */
  async function changeIn(
    stretch: Stretch,
    queue: string,
    what: Change,
    ids: readonly string[],
    options: ChangeOptions,
    settle: (id: string, answer: ChangeAnswer) => void,
    patience = MOST_TASKS,
  ): Promise<readonly string[]> {
    const wanted = new Set(ids);
    for await (const seen of lookFor(queue, wanted, stretch, patience)) {
      const replies = await change(
        queue,
        what,
        seen.map(({ id }) => id),
        options,
        seen.map(({ place }) => place),
      );
      for (const [i, { id }] of seen.entries()) {
        if (replies[i] === ELSEWHERE) continue;
        wanted.delete(id);
        settle(id, answerOf(replies[i]));
      }
    }
    return [...wanted];
  }

  return {
    async changeTasks(queue, what, ids, options = {}) {
      const answers = new Map<string, ChangeAnswer>();
      const settle = (id: string, answer: ChangeAnswer) => answers.set(id, answer);
      let left: readonly string[] = [...new Set(ids)];
      if (options.near !== undefined) {
        left = await changeIn(stretchOf(options.near), queue, what, left, options, settle);
      }
      let deep: readonly string[] = [];
      for (const some of cut(left)) {
        const replies = await change(queue, what, some, options);
        for (const [i, id] of some.entries()) {
          if (replies[i] !== ELSEWHERE) settle(id, answerOf(replies[i]));
        }
        deep = [...deep, ...some.filter((_, i) => replies[i] === ELSEWHERE)];
      }
      // In a list that moves fast, what was seen is used at once.
      for (let search = 0; search < SEARCHES && deep.length > 0; search += 1) {
        const patience = search === 0 ? MOST_TASKS : 1;
        deep = await changeIn(EVERYWHERE, queue, what, deep, options, settle, patience);
      }
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

/** From the first to the last of them, and somewhat more. */
function stretchOf(near: readonly string[]): Stretch {
  const stretches = near.map((each) => JSON.parse(each) as Stretch);
  const first = Math.min(...stretches.map((each) => each.first)) - SLACK;
  return { first: Math.max(0, first), last: Math.max(...stretches.map((each) => each.last)) + SLACK };
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
