import type { Finding } from "../../broker/repair.ts";
import { keyType } from "../../protocol/key-type.ts";
import { ALL_QUEUES, type QueueKeys, queueKeys } from "../../protocol/keys.ts";
import type { TaskMessage } from "../../protocol/task-message.ts";
import { ceilSeconds } from "../../protocol/units.ts";
import { lockProblemOf, problemOf } from "./fsck-words.ts";
import { IdSet } from "./id-set.ts";
import type { RedisContext } from "./redis-context.ts";
import { lookContainer, lookTasks, mendGroup, mendListed, mendLock, mendTask } from "./scripts.gen.ts";
import { storedId, storedTaskKey } from "./stored-id.ts";
import { readMessage } from "./stored-message.ts";

export type FsckContext = Pick<RedisContext, "commands" | "clock" | "timings" | "cluster">;

/** One call of `fsck`, as its parts see it. */
export interface FsckRun {
  readonly repair: boolean;
  /** Between two steps: whether to go on. */
  isStopped(): boolean;
  found(finding: Finding): void;
  /** So many entries or keys were looked at. */
  step(done: number): void;
}

/** Ids that one script call looks at: about a millisecond of Redis's time. */
const IDS_A_CALL = 250;
/** Bytes of messages after which an answer ends. */
const ANSWER_BYTES = 1_000_000;

const ZSETS = ["scheduled", "retry", "archived", "completed"] as const;
const NAMED = ["pending", "active", "lease", ...ZSETS, "groups", "aggregationSets", "due"] as const;

/** What was noticed about a task before everything that refers to it is looked at. */
interface Hint {
  readonly seenPending?: boolean;
  /** Groups and aggregation sets in which it was seen. */
  readonly seenIn?: readonly string[];
  /** Seconds at which it is to be deleted once completed. */
  readonly expireAt?: number;
}

/**
 * Looks at one queue: first at what its lists and sets refer to, then at its keys as they come.
 *
 * The looks are cheap, a script for many ids, and may mistake for damage what moves while they go on. What they suspect
 * is looked at once more, one by one, by a script that sees everything at one instant: it alone says what is wrong.
 */
export class QueueCheck {
  tasks = 0;
  readonly #context: FsckContext;
  readonly #run: FsckRun;
  readonly #queue: string;
  readonly #keys: QueueKeys;
  readonly #pending = new IdSet();
  readonly #active = new IdSet();
  /** What was reported; several looks may come upon one thing. */
  readonly #reported = new Set<string>();
  readonly #wrongTypes = new Set<string>();
  /** Groups and sets that are not what their tasks say, with what is in them. */
  readonly #oddGroups = new Map<string, IdSet>();
  /** Tasks that wait in no group of theirs: what else they may be in is known when all keys were seen. */
  readonly #ungrouped: Buffer[] = [];
  /** Milliseconds. */
  #startedAt = 0;

  constructor(context: FsckContext, run: FsckRun, queue: string) {
    this.#context = context;
    this.#run = run;
    this.#queue = queue;
    this.#keys = queueKeys(queue);
  }

  /** Everything that lists and sets of a known name refer to. */
  async containers(): Promise<void> {
    this.#startedAt = this.#context.clock.now();
    await this.#checkTypes(NAMED.map((name) => this.#keys[name]));
    const { pending, active, lease, due } = this.#keys;
    await this.#list(pending, "pending", this.#pending);
    await this.#list(active, "active", this.#active);
    await this.#zset(lease, "active", { isLease: true });
    for (const state of ZSETS) await this.#zset(this.#keys[state], state);
    await this.#zset(due, "due");
    await this.#listed("groups");
    await this.#listed("sets");
  }

  /** Some keys of the queue, whatever they are. */
  async keys(names: readonly Buffer[]): Promise<void> {
    const { taskPrefix, uniquePrefix, groupPrefix } = this.#keys;
    const isTask = (name: Buffer) => name.toString("latin1").startsWith(latin1(taskPrefix));
    const tasks = names.filter(isTask);
    const others = names.filter((name) => !isTask(name));
    await this.#checkTypes(others.map(String));
    await this.#tasks(tasks);
    for (const name of others.map(String)) {
      if (this.#run.isStopped()) return;
      if (this.#wrongTypes.has(name)) continue;
      if (name.startsWith(uniquePrefix)) await this.#lock(name);
      else if (name.startsWith(groupPrefix)) await this.#group(name);
    }
  }

  /** What could not be said before all keys were seen. */
  async rest(): Promise<void> {
    for (const id of this.#ungrouped) {
      const seenIn = [...this.#oddGroups].filter(([, ids]) => ids.has(id)).map(([name]) => name);
      await this.#mend(id, { seenIn });
    }
  }

  /** Whether the queue is among the queues: last, since whoever makes one may still be about to say so. */
  async registration(): Promise<void> {
    const { commands } = this.#context;
    if ((await commands.command(ALL_QUEUES, "SISMEMBER", [ALL_QUEUES, this.#queue])) === 1) return;
    if (!(await this.#hasTasks())) return;
    if (this.#run.repair) await commands.command(ALL_QUEUES, "SADD", [ALL_QUEUES, this.#queue]);
    this.#report("QUEUE_NOT_LISTED", this.#queue, "has tasks, and is not among the queues", "listed");
  }

  async #hasTasks(): Promise<boolean> {
    const { pending, active, scheduled, retry, archived, completed, groups, aggregationSets } = this.#keys;
    const all = [pending, active, scheduled, retry, archived, completed, groups, aggregationSets];
    return (await this.#context.commands.command(pending, "EXISTS", all)) !== 0;
  }

  // ---- lists and sets -----------------------------------------------------------------------------------------

  /**
   * From the left, where ids enter: pages overlap when some did. What is seen again in the overlap is no second copy;
   * elsewhere it may be one.
   */
  async #list(container: string, state: "pending" | "active", seen: IdSet): Promise<void> {
    if (this.#wrongTypes.has(container)) return;
    let last: Buffer | undefined;
    for (let at = "0"; at !== "" && !this.#run.isStopped(); ) {
      const { next, ids, suspects } = await this.#look(container, "list", at, state, "");
      const before = last;
      const overlap = before === undefined ? -1 : ids.findIndex((id) => id.equals(before));
      const seenAgain = ids.filter((id, i) => !seen.add(id) && i > overlap);
      const isAllOverlap = seenAgain.length === ids.length;
      const doubles = isAllOverlap && before !== undefined ? [] : seenAgain;
      for (const id of unique([...suspects, ...doubles])) {
        await this.#mend(id, { seenPending: state === "pending" });
      }
      last = ids.at(-1);
      at = next;
    }
  }

  async #zset(container: string, state: string, { isLease = false } = {}): Promise<void> {
    if (this.#wrongTypes.has(container)) return;
    for (let at = "0"; at !== "" && !this.#run.isStopped(); ) {
      const { next, ids, suspects } = await this.#look(container, "zset", at, state, "");
      const unseen = isLease ? ids.filter((id) => !this.#active.has(id)) : [];
      for (const id of unique([...suspects, ...unseen])) await this.#mend(id);
      at = next;
    }
  }

  async #look(container: string, kind: "list" | "zset", at: string, state: string, group: string) {
    const { lease, taskPrefix } = this.#keys;
    const longest = ceilSeconds(4 * this.#context.timings.lease);
    const reply = await lookContainer.run(
      this.#context.commands,
      { container, lease },
      { kind, at, count: IDS_A_CALL, state, group, longest, taskPrefix },
    );
    const [next, ids, suspects] = reply as [Buffer, Buffer[], Buffer[]];
    this.#run.step(ids.length);
    return { next: String(next), ids, suspects };
  }

  async #listed(kind: "groups" | "sets"): Promise<void> {
    const listing = kind === "groups" ? this.#keys.groups : this.#keys.aggregationSets;
    if (this.#wrongTypes.has(listing)) return;
    const { lease: any, groupPrefix } = this.#keys;
    const repair = this.#run.repair ? 1 : 0;
    let cursor = "0";
    do {
      const args = { kind, cursor, count: IDS_A_CALL, repair, groupPrefix };
      const reply = await mendListed.run(this.#context.commands, { listing, any }, args);
      const [next, missing] = reply as [Buffer, Buffer[]];
      for (const name of missing.map(String)) {
        if (kind === "groups") this.#report("GROUP_EMPTY", name, "is listed, and has no tasks", "unlisted");
        else this.#report("SET_MISSING", name, "is listed, and does not exist", "unlisted");
      }
      cursor = String(next);
    } while (cursor !== "0" && !this.#run.isStopped());
  }

  // ---- keys ---------------------------------------------------------------------------------------------------

  async #checkTypes(names: readonly string[]): Promise<void> {
    if (names.length === 0) return;
    const commands = names.map((name) => ["TYPE", name] as const);
    const types = await this.#context.commands.pipeline(names[0], commands);
    for (const [i, name] of names.entries()) {
      const [type, wanted] = [types[i], keyType(name)];
      if (!Buffer.isBuffer(type) || wanted === undefined) continue;
      if (String(type) === wanted || String(type) === "none") continue;
      this.#wrongTypes.add(name);
      this.#report("WRONG_TYPE", name, `is of type ${String(type)}, not ${wanted} as it should be`);
    }
  }

  async #tasks(names: readonly Buffer[]): Promise<void> {
    const { lease, scheduled, retry, archived, completed, aggregationSets, taskPrefix, groupPrefix } =
      this.#keys;
    const prefixLength = Buffer.byteLength(taskPrefix);
    for (let from = 0; from < names.length && !this.#run.isStopped(); ) {
      const tasks = names.slice(from, from + IDS_A_CALL);
      const keys = { lease, scheduled, retry, archived, completed, sets: aggregationSets, tasks };
      const args = { prefixLength, groupPrefix, budget: ANSWER_BYTES };
      const reply = (await lookTasks.run(this.#context.commands, keys, args)) as (Buffer | number | null)[];
      for (let i = 0; 4 * i < reply.length; i += 1) {
        const id = (tasks[i] as Buffer).subarray(prefixLength);
        await this.#task(id, reply.slice(4 * i, 4 * i + 4));
      }
      from += Math.max(1, reply.length / 4);
    }
  }

  async #task(id: Buffer, [state, message, since, inPlace]: (Buffer | number | null)[]): Promise<void> {
    if (state === null) return;
    if (state === 1) {
      const key = `${this.#keys.taskPrefix}${String(id)}`;
      this.#report("WRONG_TYPE", key, "is no hash, as a task should be");
      return;
    }
    this.tasks += 1;
    if (!Buffer.isBuffer(message)) {
      await this.#mend(id);
      return;
    }
    const read = readMessage(this.#queue, storedId(id), message);
    if (read === undefined) {
      const aside = String(state) === "archived" ? "; it was put aside, untouched" : "";
      this.#report(
        "UNDECODABLE",
        String(id),
        `has a message that cannot be decoded, or is another task's${aside}`,
      );
    }
    if (String(state) === "aggregating" && inPlace === 0) {
      this.#ungrouped.push(id);
      return;
    }
    const isSeen = this.#isSeen(id, String(state), String(since ?? ""));
    if (inPlace === 1 && isSeen) return;
    const expireAt = completionOf(read);
    await this.#mend(id, expireAt === undefined ? {} : { expireAt });
  }

  /** Whether it was in its list, or has come there since. */
  #isSeen(id: Buffer, state: string, since: string): boolean {
    if (state === "active") return this.#active.has(id);
    if (state !== "pending") return true;
    return this.#pending.has(id) || Number(since) / 1e6 >= this.#startedAt;
  }

  async #lock(name: string): Promise<void> {
    const { lease: any, taskPrefix } = this.#keys;
    const reply = await mendLock.run(
      this.#context.commands,
      { lock: name, any },
      { repair: this.#run.repair ? 1 : 0, taskPrefix },
    );
    const [holder, why] = (reply as Buffer[]).map(String);
    if (holder === undefined || why === undefined) return;
    this.#report("LOCK_LEAKED", name, lockProblemOf(holder, why), "lock freed");
  }

  async #group(container: string): Promise<void> {
    const { groups, aggregationSets: sets, groupPrefix, taskPrefix } = this.#keys;
    const repair = this.#run.repair ? 1 : 0;
    const reply = await mendGroup.run(
      this.#context.commands,
      { container, groups, sets },
      { repair, groupPrefix, taskPrefix },
    );
    const [group, , code] = (reply as (Buffer | number)[]).map(String);
    if (code === "GROUP_NOT_LISTED") {
      this.#report(code, group ?? "", "has tasks, and is not listed: no aggregator looks at it", "listed");
    } else if (code === "SET_NOT_LISTED") {
      this.#report(code, container, "has tasks, and is not listed: nobody returns them", "listed, due now");
    }
    for (let at = "0"; at !== "" && !this.#run.isStopped(); ) {
      const { next, ids, suspects } = await this.#look(container, "zset", at, "aggregating", group ?? "");
      if (code !== "" || suspects.length > 0) this.#noteOdd(container, ids);
      for (const id of suspects) await this.#mend(id, { seenIn: [container] });
      at = next;
    }
  }

  #noteOdd(container: string, ids: readonly Buffer[]): void {
    const known = this.#oddGroups.get(container) ?? new IdSet();
    for (const id of ids) known.add(id);
    this.#oddGroups.set(container, known);
  }

  // ---- one task -----------------------------------------------------------------------------------------------

  async #mend(id: Buffer, { seenPending = false, seenIn = [], expireAt }: Hint = {}): Promise<void> {
    if (this.#run.isStopped()) return;
    const { taskPrefix, groupPrefix, aggregationSets: sets, ...names } = this.#keys;
    const reply = await mendTask.run(
      this.#context.commands,
      {
        ...names,
        sets,
        about: [storedTaskKey(taskPrefix, storedId(id)), ...seenIn],
      },
      {
        id,
        mayRepair: this.#run.repair ? 1 : 0,
        seenPending: seenPending ? 1 : 0,
        length: ceilSeconds(this.#context.timings.lease),
        groupPrefix,
        expireAt: String(expireAt ?? ""),
      },
    );
    const parts = (reply as Buffer[]).map(String);
    for (let i = 0; i < parts.length; i += 3) {
      const code = parts[i] as Finding["code"];
      this.#report(code, String(id), problemOf(code, parts[i + 1] || "no list or set"), parts[i + 2]);
    }
  }

  #report(code: Finding["code"], subject: string, problem: string, done = ""): void {
    const name = `${code} ${subject}`;
    if (this.#reported.has(name)) return;
    this.#reported.add(name);
    const repaired = this.#run.repair && done !== "" ? { repaired: done } : {};
    this.#run.found({ code, queue: this.#queue, subject, problem, ...repaired });
  }
}

/** Seconds at which a completed task is to be deleted. */
function completionOf(message: TaskMessage | undefined): number | undefined {
  if (message === undefined || Number(message.completedAt) <= 0) return undefined;
  return Number(message.completedAt) + Number(message.retention);
}

function unique(ids: readonly Buffer[]): Buffer[] {
  return [...new Map(ids.map((id) => [id.toString("latin1"), id])).values()];
}

/** A text as the bytes of its UTF-8 look. */
function latin1(text: string): string {
  return Buffer.from(text).toString("latin1");
}
