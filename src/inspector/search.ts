import type { Inspection, TaskRecord } from "../broker/inspection.ts";
import { InvalidOptionError } from "../errors.ts";
import { isObject, isTexts, readCursor as readPlace } from "../runtime/scan-cursor.ts";
import { requireKnownNames } from "../suggestion.ts";
import { type TaskInfo, taskInfo } from "../task-info.ts";
import { checkedFilter, type Filter } from "./filter.ts";
import { type Matcher, matcher } from "./matcher.ts";
import type { BulkOptions } from "./progress.ts";
import { parts, type Scope, type ScopeOptions, type ScopePart, type ScopePlace, scopeOf } from "./scope.ts";
import { STATES } from "./states.ts";

export interface SearchOptions extends ScopeOptions, Pick<BulkOptions, "signal" | "onProgress"> {
  /** Tasks of one page, 1 to 1,000. @defaultValue 100 */
  limit?: number | undefined;
  /** From the page before: where this one begins. */
  cursor?: string | undefined;
}

export interface SearchPage {
  /** In no order. */
  readonly tasks: readonly TaskInfo[];
  /** Where the next page begins. Absent: everything was looked at. */
  readonly cursor?: string;
  /** Tasks that were looked at for this page. */
  readonly scanned: number;
  /** Tasks that there are, where was looked. */
  readonly total: number;
}

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1_000;
/** Tasks that a cursor carries to the next page, more or less: it has to fit in the address of a request. */
const MOST_LEFT = 50;

/** Where a search goes on. */
interface SearchPlace {
  readonly at: ScopePlace | undefined;
  /** Tasks of the part before that had no room on their page. */
  readonly rest: { readonly queue: string; readonly ids: readonly string[] };
}

export async function search(
  door: Inspection,
  now: number,
  wanted: string | Filter,
  options: SearchOptions,
): Promise<SearchPage> {
  requireKnownNames("search", options, ["queues", "states", "limit", "cursor", "signal", "onProgress"]);
  const limit = options.limit ?? DEFAULT_LIMIT;
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > MAX_LIMIT) {
    throw new InvalidOptionError(
      "limit",
      `expected a whole number from 1 to ${MAX_LIMIT}; got ${String(limit)}`,
    );
  }
  const place = options.cursor === undefined ? undefined : readCursor(options.cursor);
  const filter = matcher(checkedFilter(wanted), now);
  const scope = await scopeOf(door, options, filter);

  // A task may be shown twice by the store; on a page it is once.
  const found = new Map<string, TaskRecord>();
  const add = (task: TaskRecord): void => {
    if (scope.states.includes(task.state) && filter.matches(task))
      found.set(`${task.queue}\n${task.id}`, task);
  };
  let scanned = 0;
  const page = (next: SearchPlace | undefined): SearchPage => ({
    tasks: [...found.values()].slice(0, limit).map((task) => taskInfo(task)),
    ...(next !== undefined && { cursor: writeCursor(next) }),
    scanned,
    total: scope.total,
  });
  /** What the tasks of one queue leave for the page after this. */
  const rest = (queue: string) => ({ queue, ids: [...found.values()].slice(limit).map(({ id }) => id) });

  if (place !== undefined) {
    const { queue, ids } = place.rest;
    const isInside = scope.queues.includes(queue);
    const left = await Promise.all((isInside ? ids : []).map((id) => door.taskInfo(queue, id)));
    for (const task of left) if (task !== undefined) add(task);
    if (found.size >= limit) {
      const next = { at: place.at, rest: rest(place.rest.queue) };
      return page(next.at === undefined && next.rest.ids.length === 0 ? undefined : next);
    }
    if (place.at === undefined) return page(undefined);
  }
  const fits = ({ tasks }: ScopePart): boolean =>
    found.size + tasks.filter((task) => filter.matches(task)).length <= limit + MOST_LEFT;
  for await (const part of fittingParts(door, scope, filter, place?.at, fits)) {
    for (const task of part.tasks) add(task);
    scanned += part.tasks.length;
    options.onProgress?.({ done: Math.min(scanned, scope.total), total: scope.total });
    const isFull = found.size >= limit;
    if (!isFull && options.signal?.aborted !== true) continue;
    const next = { at: part.next, rest: rest(part.at.queue) };
    return page(next.at === undefined && next.rest.ids.length === 0 ? undefined : next);
  }
  return page(undefined);
}

/** As `parts`; from one on that holds too much, in smaller ones. */
async function* fittingParts(
  door: Inspection,
  scope: Scope,
  wanted: Matcher,
  from: ScopePlace | undefined,
  fits: (part: ScopePart) => boolean,
): AsyncGenerator<ScopePart> {
  for await (const part of parts(door, scope, wanted, from)) {
    if (fits(part)) {
      yield part;
      continue;
    }
    yield* parts(door, scope, wanted, part.at, MOST_LEFT);
    return;
  }
}

function writeCursor(place: SearchPlace): string {
  return Buffer.from(JSON.stringify(place)).toString("base64url");
}

function readCursor(text: string): SearchPlace {
  return readPlace(Buffer.from(text, "base64url").toString(), isSearchPlace);
}

function isSearchPlace(value: unknown): value is SearchPlace {
  if (!isObject(value) || !isObject(value["rest"])) return false;
  const { at, rest } = value;
  return typeof rest["queue"] === "string" && isTexts(rest["ids"]) && (at === undefined || isScopePlace(at));
}

/** How far the engine has gone, it knows by itself. */
function isScopePlace(value: unknown): value is ScopePlace {
  if (!isObject(value)) return false;
  const { queue, state, cursor } = value;
  const isPlace = typeof queue === "string" && STATES.some((each) => each === state);
  return isPlace && (cursor === undefined || typeof cursor === "string");
}
