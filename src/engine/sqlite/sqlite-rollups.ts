import type { RollupTable } from "../embedded/rollup-table.ts";
import type { Statements } from "./statements.ts";

/** Rollups as the rows of one table. */
export class SqliteRollups implements RollupTable {
  readonly #sql: Statements;

  constructor(sql: Statements) {
    this.#sql = sql;
  }

  get(queue: string, at: number, type: string): string | undefined {
    return (this.#sql.rollup.get(queue, at, type) as { measured: string } | undefined)?.measured;
  }

  set(queue: string, at: number, type: string, text: string): void {
    this.#sql.setRollup.run(queue, at, type, text);
  }

  types(queue: string, at: number): number {
    return (this.#sql.rollupTypes.get(queue, at) as { types: number }).types;
  }

  list(queue: string, from: number, to: number): ReturnType<RollupTable["list"]> {
    const rows = this.#sql.rollups.all(queue, from, to) as ReturnType<RollupTable["list"]>;
    return rows.map((row) => ({ ...row }));
  }

  prune(before: number): void {
    this.#sql.pruneRollups.run(Math.floor(before));
  }

  clear(queue: string): void {
    this.#sql.clearRollups.run(queue);
  }
}
