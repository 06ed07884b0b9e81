/** What stands for all types beyond the limit. */
const OTHER = "other";

/**
 * The types of tasks that are told apart: the first that were seen. Whoever enqueues may invent types, and each is series
 * that Prometheus keeps for weeks.
 */
export class TypeNames {
  readonly #most: number;
  readonly #seen = new Set<string>();

  constructor(most: number) {
    this.#most = most;
  }

  labelOf(type: string): string {
    if (this.#seen.has(type)) return type;
    if (this.#seen.size >= this.#most) return OTHER;
    this.#seen.add(type);
    return type;
  }
}
