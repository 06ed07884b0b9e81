import type { Mark, Marks } from "../embedded/marks.ts";
import { SortedSet } from "./sorted-set.ts";

/** A mark in an order: among those of its name, or among all of its place. */
class Member {
  readonly mark: Mark;
  readonly id: string;
  readonly score: number;

  constructor(mark: Mark, id: string) {
    this.mark = mark;
    this.id = id;
    this.score = mark.value;
  }
}

/** The marks of one place. */
class Place {
  readonly byKey = new Map<string, { readonly named: Member; readonly placed: Member }>();
  readonly all = new SortedSet<Member>();
  /** None of them is empty. */
  readonly byName = new Map<string, SortedSet<Member>>();
}

/** Marks on plain maps. */
export class MemoryMarks implements Marks {
  readonly #places = new Map<string, Place>();

  get(place: string, name: string, id: string): number | undefined {
    return this.#places.get(place)?.byKey.get(keyOf(name, id))?.named.score;
  }

  set(place: string, name: string, id: string, value: number): void {
    this.delete(place, name, id);
    let at = this.#places.get(place);
    if (at === undefined) {
      at = new Place();
      this.#places.set(place, at);
    }
    let set = at.byName.get(name);
    if (set === undefined) {
      set = new SortedSet();
      at.byName.set(name, set);
    }
    const mark = { name, id, value };
    const named = new Member(mark, id);
    const placed = new Member(mark, keyOf(name, id));
    at.byKey.set(placed.id, { named, placed });
    set.add(named);
    at.all.add(placed);
  }

  delete(place: string, name: string, id: string): boolean {
    const at = this.#places.get(place);
    const key = keyOf(name, id);
    const found = at?.byKey.get(key);
    if (at === undefined || found === undefined) return false;
    at.byKey.delete(key);
    at.all.delete(found.placed);
    const set = at.byName.get(name);
    set?.delete(found.named);
    if (set?.size === 0) at.byName.delete(name);
    if (at.byKey.size === 0) this.#places.delete(place);
    return true;
  }

  count(place: string, name: string): number {
    return this.#places.get(place)?.byName.get(name)?.size ?? 0;
  }

  list(place: string, name: string, count: number): Mark[] {
    return marksOf(this.#places.get(place)?.byName.get(name), count);
  }

  last(place: string, name: string): Mark | undefined {
    return this.#places.get(place)?.byName.get(name)?.last()?.mark;
  }

  lowest(place: string, count: number): Mark[] {
    return marksOf(this.#places.get(place)?.all, count);
  }

  clear(place: string): void {
    this.#places.delete(place);
  }

  clearAll(): void {
    this.#places.clear();
  }
}

function marksOf(set: SortedSet<Member> | undefined, count: number): Mark[] {
  return set?.slice(0, count).map(({ mark }) => mark) ?? [];
}

function keyOf(name: string, id: string): string {
  return `${name.length}:${name}${id}`;
}
