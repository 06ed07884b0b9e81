import type { Mark, Marks } from "../embedded/marks.ts";
import type { Statements } from "./statements.ts";

/** Marks as the rows of one table. */
export class SqliteMarks implements Marks {
  readonly #sql: Statements;

  constructor(sql: Statements) {
    this.#sql = sql;
  }

  get(place: string, name: string, id: string): number | undefined {
    return (this.#sql.mark.get(place, name, id) as { value: number } | undefined)?.value;
  }

  set(place: string, name: string, id: string, value: number): void {
    this.#sql.setMark.run(place, name, id, Math.ceil(value));
  }

  delete(place: string, name: string, id: string): boolean {
    const held = this.get(place, name, id) !== undefined;
    if (held) this.#sql.removeMark.run(place, name, id);
    return held;
  }

  clear(place: string): void {
    this.#sql.clearMarks.run(place);
  }

  count(place: string, name: string): number {
    return (this.#sql.countMarks.get(place, name) as { size: number }).size;
  }

  list(place: string, name: string, count: number): Mark[] {
    return this.#sql.listMarks.all(place, name, count) as unknown as Mark[];
  }

  last(place: string, name: string): Mark | undefined {
    return this.#sql.lastMark.get(place, name) as Mark | undefined;
  }

  lowest(place: string, count: number): Mark[] {
    return this.#sql.lowestMarks.all(place, count) as unknown as Mark[];
  }
}
