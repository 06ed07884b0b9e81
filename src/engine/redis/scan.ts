import type { Inspection, ScanPage, TaskRecord, TaskState } from "../../broker/inspection.ts";
import { groupKey, queueKeys } from "../../protocol/keys.ts";
import { floorSeconds } from "../../protocol/units.ts";
import { readCursor } from "../../runtime/scan-cursor.ts";
import type { RedisContext } from "./redis-context.ts";
import { type GroupPlace, isContainer, isGroupPlace, isPlace, type Place } from "./scan-place.ts";
import { scanTasks } from "./scripts.gen.ts";
import { type BulkReply, FIELDS_A_TASK, fieldsOf, taskRecord } from "./task-record.ts";

/** Tasks that one script call looks at, and bytes of them that it answers. */
const MOST_TASKS = 500;
const BUDGET = 1_024 * 1_024;
/** Groups that are gone through before the next ones are asked for. */
const GROUPS_AT_ONCE = 10;
const MOST_SETS = 100;

const BEGINNING: Place = { cursor: "0", first: 0, unseen: [] };

interface Part extends ScanPage {
  readonly next: Place | undefined;
}

/** Goes through the tasks of a state, a part at a time. */
export function redisScan(
  { commands, clock }: Pick<RedisContext, "commands" | "clock">,
  taskInfo: Inspection["taskInfo"],
): Pick<Inspection, "scanTasks"> {
  async function scan(
    queue: string,
    state: TaskState,
    container: string,
    { cursor, first, unseen }: Place,
    count: number,
  ): Promise<Part> {
    const { lease, taskPrefix } = queueKeys(queue);
    const kind = state === "pending" || state === "active" ? state : "zset";
    const reply = await scanTasks.run(
      commands,
      { container, lease },
      {
        kind,
        cursor,
        first,
        count: Math.min(count, MOST_TASKS),
        budget: BUDGET,
        taskPrefix,
        unseen: [...unseen],
      },
    );
    const [next, from, following, named, values] = reply as [Buffer, number, Buffer[], Buffer[], BulkReply[]];
    const now = clock.now();
    const tasks: TaskRecord[] = [];
    for (let i = 0; i < values.length; i += FIELDS_A_TASK) {
      const fields = fieldsOf(values.slice(i + 1, i + FIELDS_A_TASK));
      const record = taskRecord(queue, String(values[i]), state, fields, now);
      const orphaned = state === "active" && fields.score !== undefined && fields.score <= floorSeconds(now);
      tasks.push(orphaned ? { ...record, orphaned } : record);
    }
    // Large ones: one after the other, so that no more than one is on its way.
    for (const id of named) {
      const record = await taskInfo(queue, String(id));
      if (record?.state === state) tasks.push(record);
    }
    const seen = values.length / FIELDS_A_TASK + named.length;
    return {
      tasks,
      cursor: undefined,
      ...(kind === "pending" && { near: JSON.stringify({ first: from, last: from + seen - 1 }) }),
      next:
        next.length === 0
          ? undefined
          : {
              cursor: String(next),
              first: kind === "zset" ? 0 : Number(next),
              unseen: following.map(String),
            },
    };
  }

  /** The containers that come after those of `place`. */
  async function refill(queue: string, { groups }: GroupPlace): Promise<GroupPlace | undefined> {
    const names = queueKeys(queue);
    if (groups === undefined) return undefined;
    if (groups === "sets") {
      const range = [names.aggregationSets, 0, MOST_SETS - 1];
      const sets = (await commands.command(names.aggregationSets, "ZRANGE", range)) as Buffer[];
      const containers = sets.map(String).filter((key) => isContainer(queue, key));
      return { containers, place: BEGINNING, groups: undefined };
    }
    const call = [names.groups, groups, "COUNT", GROUPS_AT_ONCE];
    const [next, members] = (await commands.command(names.groups, "SSCAN", call)) as [Buffer, Buffer[]];
    const containers = members.map((group) => groupKey(queue, String(group)));
    return { containers, place: BEGINNING, groups: String(next) === "0" ? "sets" : String(next) };
  }

  async function scanGroups(queue: string, cursor: string | undefined, count: number): Promise<ScanPage> {
    let at: GroupPlace | undefined =
      cursor === undefined
        ? { containers: [], place: BEGINNING, groups: "0" }
        : readCursor(cursor, (value): value is GroupPlace => isGroupPlace(queue, value));
    while (at !== undefined && at.containers.length === 0) at = await refill(queue, at);
    if (at === undefined) return { tasks: [], cursor: undefined };
    const [container = "", ...others] = at.containers;
    const { tasks, next } = await scan(queue, "aggregating", container, at.place, count);
    const rest: GroupPlace =
      next === undefined ? { ...at, containers: others, place: BEGINNING } : { ...at, place: next };
    const isOver = rest.containers.length === 0 && rest.groups === undefined;
    return { tasks, cursor: isOver ? undefined : JSON.stringify(rest) };
  }

  return {
    async scanTasks(queue, state, cursor, count) {
      if (state === "aggregating") return scanGroups(queue, cursor, count);
      const place = cursor === undefined ? BEGINNING : readCursor(cursor, isPlace);
      const { next, ...page } = await scan(queue, state, queueKeys(queue)[state], place, count);
      return { ...page, cursor: next && JSON.stringify(next) };
    },
  };
}
