import type {
  Admission,
  AdmitAnswer,
  AdmitResult,
  Ended,
  LimitReview,
  LimitScope,
  LimitSpec,
} from "../../broker/limits.ts";
import { PARKED_UNTIL } from "../../protocol/units.ts";
import type { EmbeddedQueue, EmbeddedTask } from "./embedded-store.ts";
import { held } from "./leases.ts";
import type { Mark, Marks } from "./marks.ts";

/** Tasks of one limit that one call lets go. */
const UNPARKED_A_CALL = 100;
/** Limits, and slots or promises, that one review looks at. */
const LOOKED_AT = 50;
/** A limit that somebody waits for is looked at again after so many milliseconds, whatever it seems to wait for. */
const LOOK_AGAIN = 15_000;

/**
 * The limits of one queue: marks by the limit's name and key.
 *
 * - `slot`: who runs, under a concurrency; the value is when it was last looked at
 * - `start`: who started, under a rate; the value is when it counts no more
 * - `parked`: who waits; the value is the place in the line. `parked-as`, by task: for which limit
 * - `turn`: who was promised a slot and is pending, or about to be admitted. `turn-of`, by task: for which limit
 * - `look`: when to look at those that wait
 */
export class QueueLimits {
  readonly #queue: EmbeddedQueue;
  readonly #marks: Marks;
  readonly #now: number;

  constructor(queue: EmbeddedQueue, marks: Marks, now: number) {
    this.#queue = queue;
    this.#marks = marks;
    this.#now = now;
  }

  admit(admissions: readonly Admission[]): AdmitResult {
    const answers = admissions.map((admission) => this.#admitOne(admission));
    const [next] = this.#marks.lowest(this.#at("look"), 1);
    return { answers, reviewAt: next?.value };
  }

  release(ended: readonly Ended[]): void {
    const scopes = new Map<string, LimitScope>();
    for (const { taskId, scopes: of } of ended) {
      for (const scope of of) {
        scopes.set(fullName(scope), scope);
        this.#free(fullName(scope), taskId);
      }
    }
    for (const [full, { spec }] of scopes) {
      this.#unpark(full, spec);
      this.#planLook(full, spec);
    }
  }

  review(limits: readonly LimitSpec[]): LimitReview {
    this.#sweep();
    const known = new Map(limits.map((spec) => [spec.name, spec]));
    let released = 0;
    for (const { name: full, value } of this.#marks.lowest(this.#at("look"), LOOKED_AT)) {
      if (value > this.#now) break;
      const spec = known.get(full.slice(0, full.indexOf("\n")));
      for (const { id } of this.#marks.list(this.#at("slot"), full, 1_000)) this.#free(full, id);
      for (const { id } of this.#marks.list(this.#at("turn"), full, 1_000)) this.#checkTurn(full, id);
      const moved = this.#unpark(full, spec);
      released += moved;
      this.#planLook(full, spec, moved >= UNPARKED_A_CALL ? this.#now : undefined);
    }
    const [next] = this.#marks.lowest(this.#at("look"), 1);
    return { released, nextAt: next?.value };
  }

  // ---- one task -----------------------------------------------------------------------------------------------

  #admitOne({ leased, scopes }: Admission): AdmitAnswer {
    const task = held(this.#queue, leased);
    if (typeof task === "string") return "lost";
    const turn = this.#takeTurn(task.id);
    const refused = scopes.find((scope) => !this.#mayStart(scope, turn));
    if (refused === undefined) {
      for (const scope of scopes) this.#start(task.id, scope);
      return "admitted";
    }
    this.#park(task, fullName(refused), turn === fullName(refused));
    this.#planLook(
      fullName(refused),
      refused.spec,
      this.#room(fullName(refused), refused.spec) > 0 ? this.#now : undefined,
    );
    // Another may have the turn that this one cannot use yet.
    if (turn !== undefined && turn !== fullName(refused))
      this.#marks.set(this.#at("look"), turn, "", this.#now);
    return "parked";
  }

  #mayStart(scope: LimitScope, turn: string | undefined): boolean {
    const full = fullName(scope);
    if (turn === full) return this.#starts(full, scope.spec) > 0;
    return this.#room(full, scope.spec) > 0 && this.#marks.last(this.#at("parked"), full) === undefined;
  }

  #start(taskId: string, scope: LimitScope): void {
    const full = fullName(scope);
    const { concurrency, rate } = scope.spec;
    if (concurrency !== undefined) this.#marks.set(this.#at("slot"), full, taskId, this.#now);
    if (rate !== undefined) {
      const nth = this.#marks.count(this.#at("start"), full);
      this.#marks.set(this.#at("start"), full, `${this.#now}-${nth}`, this.#now + rate.per);
      this.#planLook(full, scope.spec);
    }
  }

  #park(task: EmbeddedTask, full: string, toFront: boolean): void {
    const parked = this.#at("parked");
    const [first] = this.#marks.list(parked, full, 1);
    const last = this.#marks.last(parked, full);
    const place = toFront ? (first?.value ?? 1) - 1 : (last?.value ?? 0) + 1;
    this.#queue.toDelayed(task, "scheduled", PARKED_UNTIL);
    this.#marks.set(parked, full, task.id, place);
    this.#forget("parked-as", task.id);
    this.#marks.set(this.#at("parked-as"), task.id, full, place);
  }

  // ---- room ---------------------------------------------------------------------------------------------------

  /** How many may start. */
  #starts(full: string, { concurrency, rate }: LimitSpec): number {
    let starts = Number.POSITIVE_INFINITY;
    if (concurrency !== undefined) starts = concurrency - this.#marks.count(this.#at("slot"), full);
    if (rate !== undefined) {
      const place = this.#at("start");
      for (
        let [first] = this.#marks.list(place, full, 1);
        first !== undefined && first.value <= this.#now;
      ) {
        this.#marks.delete(place, full, first.id);
        [first] = this.#marks.list(place, full, 1);
      }
      starts = Math.min(starts, rate.limit - this.#marks.count(this.#at("start"), full));
    }
    return starts;
  }

  /** How many of those may start to whom nobody has promised a turn. */
  #room(full: string, spec: LimitSpec): number {
    return this.#starts(full, spec) - this.#marks.count(this.#at("turn"), full);
  }

  /** Moves those that have waited longest to the head of pending. Without a limit, nobody is promised anything. */
  #unpark(full: string, spec: LimitSpec | undefined): number {
    let moved = 0;
    // Those that an operator took out of the line leave room for the next.
    for (let round = 0; round < 10 && moved < UNPARKED_A_CALL; round += 1) {
      const { looked, moving } = this.#unparkNext(full, spec);
      moved += moving;
      if (moving === looked) break;
    }
    return moved;
  }

  #unparkNext(full: string, spec: LimitSpec | undefined): { looked: number; moving: number } {
    const room = spec === undefined ? UNPARKED_A_CALL : this.#room(full, spec);
    const entries = this.#marks.list(this.#at("parked"), full, Math.max(0, Math.min(room, UNPARKED_A_CALL)));
    const moving = entries.filter((entry) => this.#isParked(entry));
    for (const { id } of entries) this.#marks.delete(this.#at("parked"), full, id);
    for (const { id } of moving.reverse()) {
      this.#forget("parked-as", id);
      const task = this.#queue.find(id);
      if (task === undefined) continue;
      this.#queue.toHead(task, this.#now);
      if (spec !== undefined) this.#promise(full, id);
    }
    return { looked: entries.length, moving: moving.length };
  }

  /** Else an operator has run, archived or deleted it meanwhile. */
  #isParked({ name, id, value }: Mark): boolean {
    const task = this.#queue.find(id);
    const parkedAs = this.#marks.get(this.#at("parked-as"), id, name);
    if (task?.state === "scheduled" && task.score === PARKED_UNTIL && parkedAs === value) return true;
    if (parkedAs === value) this.#forget("parked-as", id);
    return false;
  }

  #planLook(full: string, spec: LimitSpec | undefined, soonest?: number): void {
    const look = this.#at("look");
    if (this.#marks.last(this.#at("parked"), full) === undefined) {
      this.#marks.delete(look, full, "");
      return;
    }
    const [oldest] = spec?.rate === undefined ? [] : this.#marks.list(this.#at("start"), full, 1);
    const next = Math.min(oldest?.value ?? Number.POSITIVE_INFINITY, this.#now + LOOK_AGAIN);
    this.#marks.set(look, full, "", soonest ?? Math.max(next, this.#now + 1));
  }

  // ---- what is left behind ------------------------------------------------------------------------------------

  /** Gives back the slot of a task that is not leased any more. One that was handed back is promised the next turn. */
  #free(full: string, taskId: string): void {
    const task = this.#queue.find(taskId);
    if (task?.state === "active") return;
    const wasHeld = this.#marks.delete(this.#at("slot"), full, taskId);
    if (wasHeld && task?.state === "pending") this.#promise(full, taskId);
  }

  #promise(full: string, taskId: string): void {
    this.#marks.set(this.#at("turn"), full, taskId, this.#now);
    this.#marks.set(this.#at("turn-of"), taskId, full, this.#now);
  }

  #takeTurn(taskId: string): string | undefined {
    const [turn] = this.#marks.list(this.#at("turn-of"), taskId, 1);
    if (turn === undefined) return undefined;
    this.#forget("turn-of", taskId);
    return this.#marks.delete(this.#at("turn"), turn.id, taskId) ? turn.id : undefined;
  }

  /** A promise stands while its task waits for it in pending, or runs. */
  #checkTurn(full: string, taskId: string): void {
    const task = this.#queue.find(taskId);
    if (task?.state === "pending" || task?.state === "active") return;
    this.#marks.delete(this.#at("turn"), full, taskId);
    this.#marks.delete(this.#at("turn-of"), taskId, full);
  }

  /** Looks at a few slots and promises of any limit, those first that were not looked at for longest, and at old starts. */
  #sweep(): void {
    for (const place of ["slot", "turn"] as const) {
      for (const { name, id } of this.#marks.lowest(this.#at(place), LOOKED_AT)) {
        if (place === "slot") this.#free(name, id);
        else this.#checkTurn(name, id);
        if (this.#marks.get(this.#at(place), name, id) !== undefined) {
          this.#marks.set(this.#at(place), name, id, this.#now);
        }
      }
    }
    for (const { name, id, value } of this.#marks.lowest(this.#at("start"), LOOKED_AT)) {
      if (value <= this.#now) this.#marks.delete(this.#at("start"), name, id);
    }
  }

  #forget(kind: "parked-as" | "turn-of", taskId: string): void {
    for (const { id } of this.#marks.list(this.#at(kind), taskId, 10))
      this.#marks.delete(this.#at(kind), taskId, id);
  }

  #at(kind: string): string {
    return `${kind} ${this.#queue.name}`;
  }
}

function fullName({ spec, key }: LimitScope): string {
  return `${spec.name}\n${key}`;
}

const PLACES = ["slot", "start", "parked", "parked-as", "turn", "turn-of", "look", "limits"];

export function knowsLimits(marks: Marks, queue: string): boolean {
  return PLACES.some((kind) => marks.lowest(`${kind} ${queue}`, 1).length > 0);
}

/** Forgets all that limits know of a queue. */
export function forgetLimits(marks: Marks, queue: string): void {
  for (const kind of PLACES) marks.clear(`${kind} ${queue}`);
}

/** Keeps what a server says of its limits, and answers what all live ones say. */
export function shareLimits(
  marks: Marks,
  queue: string,
  server: string,
  specs: readonly LimitSpec[],
  { now, ttl }: { now: number; ttl: number },
): LimitSpec[][] {
  const place = `limits ${queue}`;
  for (const { id } of marks.list(place, server, LOOKED_AT)) marks.delete(place, server, id);
  for (const { name, id, value } of marks.lowest(place, LOOKED_AT))
    if (value <= now) marks.delete(place, name, id);
  if (specs.length > 0) marks.set(place, server, JSON.stringify(specs), now + ttl);
  return marks.lowest(place, 1_000).map(({ id }) => JSON.parse(id) as LimitSpec[]);
}
