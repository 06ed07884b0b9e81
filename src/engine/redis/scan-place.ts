import { queueKeys } from "../../protocol/keys.ts";
import { isObject, isTexts } from "../../runtime/scan-cursor.ts";

/** Where a part begins: of a zset, Redis's cursor; of a list, a position and the ids there. */
export interface Place {
  readonly cursor: string;
  readonly first: number;
  readonly unseen: readonly string[];
}

/** Where a part of the aggregating tasks begins: first all groups are gone through, then the sets of aggregators. */
export interface GroupPlace {
  /** Containers that are yet to be gone through, the first one from `place` on. */
  readonly containers: readonly string[];
  readonly place: Place;
  /** Where more groups are to be had; `undefined`: there are none. */
  readonly groups: string | undefined;
}

/** More than the members of any list. */
const LONGEST_LIST = 2 ** 32;
const HIGHEST_CURSOR = 2n ** 64n - 1n;

export function isPlace(value: unknown): value is Place {
  if (!isObject(value)) return false;
  const { cursor, first, unseen } = value;
  const isPosition = Number.isSafeInteger(first) && Number(first) >= 0 && Number(first) <= LONGEST_LIST;
  return isPosition && isRedisCursor(cursor) && isTexts(unseen);
}

/** Whether it is a place among the groups of `queue`: a cursor must not lead to any other key. */
export function isGroupPlace(queue: string, value: unknown): value is GroupPlace {
  if (!isObject(value)) return false;
  const { containers, place, groups } = value;
  if (!isTexts(containers) || !containers.every((key) => isContainer(queue, key))) return false;
  return isPlace(place) && (groups === undefined || groups === "sets" || isRedisCursor(groups));
}

/** Whether a key is that of a group, or of an aggregation set, of `queue`. */
export function isContainer(queue: string, key: string): boolean {
  return key.startsWith(queueKeys(queue).groupPrefix);
}

function isRedisCursor(value: unknown): boolean {
  return typeof value === "string" && /^\d{1,20}$/.test(value) && BigInt(value) <= HIGHEST_CURSOR;
}
