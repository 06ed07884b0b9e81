/** Where rollups lie: texts by queue, instant and type. */
export interface RollupTable {
  get(queue: string, at: number, type: string): string | undefined;
  set(queue: string, at: number, type: string, text: string): void;
  /** How many types that instant of the queue has, without the empty one. */
  types(queue: string, at: number): number;
  list(queue: string, from: number, to: number): { at: number; type: string; text: string }[];
  /** Deletes those of all queues that begin before. */
  prune(before: number): void;
  clear(queue: string): void;
}
