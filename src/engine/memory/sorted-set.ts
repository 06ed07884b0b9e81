/** Something with a place in a sorted set. Its score must not change while it is in one. */
export interface Scored {
  readonly id: string;
  readonly score: number;
}

/** Longest run of members kept in one array: short enough that shifting it costs next to nothing. */
const CHUNK = 512;

/**
 * Members by ascending score, then id. Adding, removing and looking at either end cost O(log n), also with a
 * million members.
 *
 * The members lie in consecutive short arrays, none of them empty.
 */
export class SortedSet<T extends Scored> {
  readonly #chunks: T[][] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The member with the lowest score. */
  first(): T | undefined {
    return this.#chunks[0]?.[0];
  }

  /** The member with the highest score. */
  last(): T | undefined {
    return this.#chunks.at(-1)?.at(-1);
  }

  add(member: T): void {
    this.#size += 1;
    if (this.#chunks.length === 0) {
      this.#chunks.push([member]);
      return;
    }
    const at = Math.min(this.#chunkOf(member), this.#chunks.length - 1);
    const chunk = this.#chunks[at] as T[];
    chunk.splice(lowerBound(chunk, member), 0, member);
    if (chunk.length > CHUNK) this.#chunks.splice(at + 1, 0, chunk.splice(CHUNK / 2));
  }

  /** False: it was not in the set. */
  delete(member: T): boolean {
    const at = this.#chunkOf(member);
    const chunk = this.#chunks[at];
    if (chunk === undefined) return false;
    const index = lowerBound(chunk, member);
    if (chunk[index] !== member) return false;
    chunk.splice(index, 1);
    if (chunk.length === 0) this.#chunks.splice(at, 1);
    this.#size -= 1;
    return true;
  }

  has(member: T): boolean {
    const chunk = this.#chunks[this.#chunkOf(member)];
    return chunk?.[lowerBound(chunk, member)] === member;
  }

  /** Up to `count` members that come after `place`, which need not be one itself. */
  after(place: Scored, count: number): T[] {
    const page: T[] = [];
    const first = this.#chunkOf(place);
    for (const chunk of this.#chunks.slice(first)) {
      page.push(...chunk.filter((member) => isBefore(place, member)).slice(0, count - page.length));
      if (page.length >= count) break;
    }
    return page;
  }

  /** Up to `count` members from rank `from` on. */
  slice(from: number, count: number): T[] {
    const page: T[] = [];
    let skip = from;
    for (const chunk of this.#chunks) {
      if (skip < chunk.length) page.push(...chunk.slice(skip, skip + count - page.length));
      skip = Math.max(0, skip - chunk.length);
      if (page.length >= count) break;
    }
    return page;
  }

  /** Index of the first chunk that ends at or after `member`; the number of chunks if none does. */
  #chunkOf(member: Scored): number {
    let low = 0;
    let high = this.#chunks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const chunk = this.#chunks[middle] as T[];
      if (isBefore(chunk[chunk.length - 1] as T, member)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Index of the first of `members` that is not before `member`. */
function lowerBound<T extends Scored>(members: readonly T[], member: T): number {
  let low = 0;
  let high = members.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isBefore(members[middle] as T, member)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function isBefore(a: Scored, b: Scored): boolean {
  return a.score === b.score ? a.id < b.id : a.score < b.score;
}
