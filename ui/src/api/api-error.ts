import type { ErrorFacts } from "./types.ts";

/** The monitor answered, and the answer is no. Or nobody answered: then `status` is 0. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  readonly facts: ErrorFacts;

  constructor(status: number, facts: ErrorFacts, options?: ErrorOptions) {
    super(facts.message, options);
    this.status = status;
    this.facts = facts;
  }

  get code(): string {
    return this.facts.code;
  }

  /** What was asked for is not there, or not any more. */
  get isGone(): boolean {
    return this.status === 404 && this.code !== "NOT_FOUND";
  }

  /** Asked once more, it may go well. */
  get mayPass(): boolean {
    return this.status === 0 || this.status >= 500;
  }
}

export function isApiError(error: unknown): error is ApiError {
  return error instanceof ApiError;
}
