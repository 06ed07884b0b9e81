import type { OutcomeAnswer, Settlement } from "../../src/broker/broker.ts";
import type { EnqueueAnswer } from "../../src/broker/enqueue-entry.ts";
import type { Change, ChangeAnswer, TaskState } from "../../src/broker/inspection.ts";
import { type Command, IDS, LONG, type PlannedOutcome, QUEUE, STEP, uniqueKeyOf } from "./commands.ts";
import type { Look, Side } from "./side.ts";

const LEASE = 30_000;
const GRACE = 30_000;
/** How long an archived task is kept. */
const KEPT = 90 * 86_400_000;

/** The fields of a message that tell attempts at one task apart. */
interface Message {
  readonly id: string;
  readonly retried: number;
  readonly errorMsg: string;
  readonly groupKey: string;
  readonly uniqueKey: string;
}

interface Task {
  state: TaskState;
  message: Message;
  /** When it falls due, or is to be deleted. */
  at: number;
  /** When it was put where it is, if that is the archive. */
  archivedAt: number;
  /** While active: who has the lease, and until when. Undefined: nobody. */
  holder: Attempt | undefined;
  leaseEnd: number | undefined;
  result: string | undefined;
}

interface Attempt {
  readonly order: number;
  readonly message: Message;
}

interface SentOutcome {
  readonly attempt: Attempt;
  readonly kind: Settlement["kind"];
  readonly at: number;
}

/**
 * What a queue is to be, in plain maps: `docs/protocol.md` 8 and 18 retold. It shares no code with the engines, whose
 * errors it must see.
 */
export class Model implements Side {
  #now = 0;
  #registered = false;
  #paused = false;
  #processed = 0;
  #failed = 0;
  readonly #tasks = new Map<string, Task>();
  /** Ids that wait; after damage perhaps one without a task, or one twice. */
  #pending: string[] = [];
  readonly #locks = new Map<string, { holder: string; until: number }>();
  readonly #attempts: Attempt[] = [];
  #sent: SentOutcome[] = [];

  async run(command: Command): Promise<unknown> {
    return [command, this.#answer(command), this.#look()];
  }

  async close(): Promise<void> {
    // Nothing is held.
  }

  #answer(command: Command): unknown {
    switch (command.do) {
      case "enqueue":
        return [this.#enqueue(command)];
      case "exchange": {
        this.#sent = command.outcomes.flatMap((planned) => this.#outcome(planned));
        return this.#exchange(this.#sent, command.lease, false);
      }
      case "replay":
        return this.#exchange(this.#sent, false, true);
      case "extend": {
        const attempt = this.#attempt(command.which);
        return attempt && [this.#extend(attempt)];
      }
      case "writeResult": {
        const attempt = this.#attempt(command.which);
        const task = attempt && this.#held(attempt);
        if (task === undefined || typeof task === "string") return task;
        task.result = `result ${command.which}`;
        return "settled";
      }
      case "recover":
        return this.#recover(command);
      case "forward":
        return this.#forward();
      case "deleteExpired": {
        const over = [...this.#tasks.values()].filter(
          ({ state, at }) => state === "completed" && at <= this.#now,
        );
        for (const { message } of over) this.#delete(message.id);
        return over.length;
      }
      case "trimArchive": {
        const old = [...this.#tasks.values()].filter(
          ({ state, archivedAt }) => state === "archived" && archivedAt + KEPT <= this.#now,
        );
        for (const { message } of old) this.#delete(message.id);
        return old.length;
      }
      case "reclaim":
        return 0;
      case "sweep":
        return this.#sweep();
      case "pause":
      case "unpause": {
        const wanted = command.do === "pause";
        const changed = this.#paused !== wanted;
        this.#paused = wanted;
        return changed;
      }
      case "advance":
        this.#now += command.steps * STEP;
        return undefined;
      case "wait":
        this.#now += LONG * STEP;
        return undefined;
      case "change":
        return [{ status: this.#change(command.change, command.id) }];
      case "changeAll":
        return this.#changeAll(command.change, command.state);
      case "removeQueue":
        if (this.#pending.length > 0 || this.#tasks.size > 0) return "not-empty";
        this.#locks.clear();
        this.#registered = this.#paused = false;
        this.#processed = this.#failed = 0;
        return "removed";
      case "dropLease": {
        const task = this.#tasks.get(command.id);
        if (task?.state !== "active") return false;
        task.holder = task.leaseEnd = undefined;
        return true;
      }
      case "dropHash": {
        if (this.#tasks.get(command.id)?.state !== "pending") return false;
        this.#tasks.delete(command.id);
        return true;
      }
    }
  }

  // ---- the way in ---------------------------------------------------------------------------------------------

  #enqueue(command: Extract<Command, { do: "enqueue" }>): EnqueueAnswer {
    const { id, delay, lock, group, replaceFinished } = command;
    const uniqueKey = uniqueKeyOf(command.key);
    const held = this.#locks.get(uniqueKey);
    if (uniqueKey !== "" && held !== undefined && held.until > this.#now && held.holder !== id) {
      return { status: "duplicate", holder: held.holder };
    }
    const taken = this.#tasks.get(id);
    if (taken !== undefined) {
      const finished = taken.state === "completed" || taken.state === "archived";
      if (!(replaceFinished && finished)) return { status: "conflict" };
      this.#delete(id);
    }
    this.#registered = true;
    if (uniqueKey !== "") this.#locks.set(uniqueKey, { holder: id, until: this.#now + lock });
    const message = { id, retried: 0, errorMsg: "", groupKey: group, uniqueKey };
    const state = delay > 0 ? "scheduled" : group === "" ? "pending" : "aggregating";
    const at = this.#now + delay;
    this.#tasks.set(id, {
      state,
      message,
      at,
      archivedAt: 0,
      holder: undefined,
      leaseEnd: undefined,
      result: undefined,
    });
    if (state === "pending") this.#pending.push(id);
    return { status: "enqueued", state };
  }

  #forward(): { moved: number; next: number | undefined } {
    let moved = 0;
    let next: number | undefined;
    for (const [id, task] of this.#tasks) {
      if (task.state !== "scheduled" && task.state !== "retry") continue;
      if (task.at > this.#now) {
        next = Math.min(next ?? task.at, task.at);
        continue;
      }
      moved += 1;
      if (task.message.groupKey === "") this.#toPending(id, task);
      else task.state = "aggregating";
    }
    return { moved, next: next === undefined ? undefined : next - this.#now };
  }

  // ---- an operator --------------------------------------------------------------------------------------------

  #change(change: Change, id: string): ChangeAnswer["status"] {
    const task = this.#tasks.get(id);
    if (task === undefined) {
      // A deletion also takes out an id that waits without a task.
      const waits = this.#pending.includes(id);
      if (change !== "delete" || !waits) return "missing";
      this.#pending = this.#pending.filter((each) => each !== id);
      return "changed";
    }
    if (task.state === "active") return "active";
    if (task.state === { run: "pending", archive: "archived", delete: undefined }[change]) return "unchanged";
    // Where only a damaged store has it there, it is left to be dropped when its turn comes, unless it would be there twice.
    if (task.state === "pending" || change === "run") {
      this.#pending = this.#pending.filter((each) => each !== id);
    }
    this.#apply(change, id, task);
    return "changed";
  }

  #changeAll(change: Change, state: TaskState): { handled: number; changed: number } {
    const ids =
      state === "pending"
        ? this.#pending.splice(0)
        : [...this.#tasks].flatMap(([id, task]) => (task.state === state ? [id] : []));
    let changed = 0;
    for (const id of ids) {
      const task = this.#tasks.get(id);
      // With damage, `pending` may hold an id without a task: only the id goes, which is all of a deletion.
      if (task === undefined ? change === "delete" : task.state === state) changed += 1;
      if (task?.state === state) this.#apply(change, id, task);
    }
    return { handled: ids.length, changed };
  }

  #apply(change: Change, id: string, task: Task): void {
    if (change === "run") this.#toPending(id, task);
    else if (change === "archive") this.#to(task, "archived", 0);
    else this.#delete(id);
  }

  // ---- attempts -----------------------------------------------------------------------------------------------

  #attempt(which: number): Attempt | undefined {
    return this.#attempts[which % this.#attempts.length];
  }

  #outcome({ which, kind, after }: PlannedOutcome): SentOutcome[] {
    const attempt = this.#attempt(which);
    return attempt ? [{ attempt, kind, at: this.#now + after }] : [];
  }

  /** The task, if this attempt may touch it. Where nobody has the lease, the message shows who was given the task. */
  #held(attempt: Attempt): Task | "fenced" | "gone" {
    const task = this.#tasks.get(attempt.message.id);
    if (task?.state !== "active") return "gone";
    const may = task.holder === undefined ? alike(task.message, attempt.message) : task.holder === attempt;
    return may ? task : "fenced";
  }

  #exchange(outcomes: readonly SentOutcome[], lease: boolean, repeated: boolean): unknown {
    const inOrder = [...outcomes].sort((a, b) => a.attempt.order - b.attempt.order);
    const answers = new Map(inOrder.map((outcome) => [outcome, this.#refusal(outcome, repeated)]));
    const end = (outcome: SentOutcome) => {
      if (answers.get(outcome) !== undefined) return;
      const task = this.#held(outcome.attempt);
      // Of two outcomes of one task the second finds it ended.
      if (typeof task === "string") answers.set(outcome, "gone");
      else {
        this.#end(task, outcome);
        answers.set(outcome, "settled");
      }
    };
    for (const outcome of inOrder) if (outcome.kind !== "requeue") end(outcome);
    const granted = lease && !this.#paused ? this.#lease() : { leased: [], dropped: [] };
    for (const outcome of inOrder.reverse()) if (outcome.kind === "requeue") end(outcome);
    return { answers: outcomes.map((outcome) => answers.get(outcome)), ...granted, quarantined: [] };
  }

  #refusal({ attempt, kind }: SentOutcome, repeated: boolean): OutcomeAnswer | undefined {
    const task = this.#held(attempt);
    if (typeof task === "string") return task;
    // It may have been obeyed before: an equal message proves nothing.
    return kind === "requeue" && repeated && task.holder === undefined ? "gone" : undefined;
  }

  #lease(): { leased: Message[]; dropped: string[] } {
    const leased: Message[] = [];
    const dropped: string[] = [];
    for (const id of this.#pending.splice(0)) {
      const task = this.#tasks.get(id);
      if (task?.state !== "pending") dropped.push(id);
      else {
        task.state = "active";
        leased.push(task.message);
      }
    }
    for (const message of leased.sort(byId)) {
      const task = this.#tasks.get(message.id) as Task;
      task.holder = { order: this.#attempts.length, message };
      task.leaseEnd = this.#now + LEASE;
      this.#attempts.push(task.holder);
    }
    return { leased, dropped: dropped.sort() };
  }

  #extend(attempt: Attempt): "extended" | "lost" {
    const task = this.#held(attempt);
    if (typeof task === "string") return "lost";
    task.holder = attempt;
    task.leaseEnd = Math.max(task.leaseEnd ?? 0, this.#now + LEASE);
    return "extended";
  }

  #recover({ kind, after, extendFirst, which }: Extract<Command, { do: "recover" }>): unknown {
    const expired = [...this.#tasks.values()]
      .filter(
        ({ state, leaseEnd }) =>
          state === "active" && leaseEnd !== undefined && leaseEnd + GRACE <= this.#now,
      )
      .sort((a, b) => byId(a.message, b.message));
    const listed = expired.map((task) => ({ task, message: task.message, leaseEnd: task.leaseEnd }));
    const attempt = this.#attempt(which);
    if (extendFirst && attempt) this.#extend(attempt);
    const answers = listed.map(({ task, leaseEnd }): OutcomeAnswer => {
      if (task.leaseEnd !== leaseEnd) return "fenced";
      this.#end(task, { kind, at: this.#now + after });
      return "settled";
    });
    return [listed.map(({ message }) => message), answers];
  }

  #sweep(): { leased: string[]; dropped: string[] } {
    const leased = [...this.#tasks].filter(
      ([, { state, leaseEnd }]) => state === "active" && leaseEnd === undefined,
    );
    for (const [, task] of leased) task.leaseEnd = this.#now + LEASE;
    return { leased: leased.map(([id]) => id).sort(), dropped: [] };
  }

  // ---- the ways out -------------------------------------------------------------------------------------------

  #end(task: Task, { kind, at }: Pick<SentOutcome, "kind" | "at">): void {
    const { message } = task;
    task.holder = task.leaseEnd = undefined;
    switch (kind) {
      case "done":
        this.#delete(message.id);
        this.#processed += 1;
        return;
      case "complete":
        this.#to(task, "completed", at);
        task.result = "done";
        this.#release(message);
        this.#processed += 1;
        return;
      case "retry":
      case "archive": {
        const retried = message.retried + (kind === "retry" ? 1 : 0);
        task.message = { ...message, retried, errorMsg: "it broke" };
        this.#to(task, kind === "retry" ? "retry" : "archived", at);
        this.#processed += 1;
        this.#failed += 1;
        return;
      }
      case "requeue":
        this.#toPending(message.id, task);
    }
  }

  #to(task: Task, state: TaskState, at: number): void {
    task.state = state;
    task.at = at;
    task.archivedAt = this.#now;
  }

  #toPending(id: string, task: Task): void {
    task.state = "pending";
    this.#pending.push(id);
  }

  #delete(id: string): void {
    const task = this.#tasks.get(id);
    if (task !== undefined) this.#release(task.message);
    this.#tasks.delete(id);
  }

  #release({ id, uniqueKey }: Message): void {
    if (this.#locks.get(uniqueKey)?.holder === id) this.#locks.delete(uniqueKey);
  }

  // ---- how it looks -------------------------------------------------------------------------------------------

  #look(): Look {
    const tasks = [...this.#tasks.values()];
    const count = (state: TaskState) => tasks.filter((task) => task.state === state).length;
    const info = {
      queue: QUEUE,
      pending: this.#pending.length,
      active: count("active"),
      scheduled: count("scheduled"),
      retry: count("retry"),
      archived: count("archived"),
      completed: count("completed"),
      aggregating: count("aggregating"),
      groups: count("aggregating") > 0 ? 1 : 0,
      processedTotal: this.#processed,
      failedTotal: this.#failed,
      paused: this.#paused,
    };
    // As Go has it: without a lease it is not called orphaned.
    const isOrphan = ({ leaseEnd }: Task) => leaseEnd !== undefined && leaseEnd <= this.#now;
    return {
      info: this.#registered ? info : undefined,
      orphaned: this.#registered
        ? tasks
            .filter((task) => task.state === "active" && isOrphan(task))
            .map(({ message }) => message.id)
            .sort()
        : undefined,
      tasks: IDS.map((id) => this.#lookAt(this.#tasks.get(id))),
    };
  }

  #lookAt(task: Task | undefined): Look["tasks"][number] {
    if (task === undefined) return undefined;
    const { message, state, at, result } = task;
    const waits = state === "scheduled" || state === "retry";
    const next = state === "pending" ? 0 : waits ? at - this.#now : undefined;
    return { id: message.id, state, message, result, next };
  }
}

/** By all of their fields: so do the bytes of two messages differ. */
function alike(a: Message, b: Message): boolean {
  return (Object.keys(a) as (keyof Message)[]).every((field) => a[field] === b[field]);
}

function byId(a: { id: string }, b: { id: string }): number {
  return a.id < b.id ? -1 : 1;
}
