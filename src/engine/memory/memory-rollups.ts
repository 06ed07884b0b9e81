import { OTHER_TYPES } from "../../protocol/rollup.ts";
import type { RollupTable } from "../embedded/rollup-table.ts";

/** Rollups in plain maps: texts by type, by instant, by queue. */
export class MemoryRollups implements RollupTable {
  readonly #queues = new Map<string, Map<number, Map<string, string>>>();

  get(queue: string, at: number, type: string): string | undefined {
    return this.#queues.get(queue)?.get(at)?.get(type);
  }

  set(queue: string, at: number, type: string, text: string): void {
    const instants = this.#queues.get(queue) ?? new Map<number, Map<string, string>>();
    this.#queues.set(queue, instants);
    const types = instants.get(at) ?? new Map<string, string>();
    instants.set(at, types.set(type, text));
  }

  types(queue: string, at: number): number {
    const types = this.#queues.get(queue)?.get(at);
    return types === undefined ? 0 : types.size - (types.has(OTHER_TYPES) ? 1 : 0);
  }

  list(queue: string, from: number, to: number): ReturnType<RollupTable["list"]> {
    return [...(this.#queues.get(queue) ?? [])].flatMap(([at, types]) =>
      at >= from && at < to ? [...types].map(([type, text]) => ({ at, type, text })) : [],
    );
  }

  prune(before: number): void {
    for (const instants of this.#queues.values()) {
      for (const at of instants.keys()) if (at < before) instants.delete(at);
    }
  }

  clear(queue: string): void {
    this.#queues.delete(queue);
  }

  clearAll(): void {
    this.#queues.clear();
  }
}
