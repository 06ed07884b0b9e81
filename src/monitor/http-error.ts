import type { ErrorFacts } from "./api.ts";

/** Ends a request with a status and a body that is made of these facts. Never holds what was sent. */
export class HttpError extends Error {
  readonly status: number;
  readonly facts: ErrorFacts;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    code: string,
    message: string,
    { headers = {}, ...more }: Partial<ErrorFacts> & { headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(message);
    this.status = status;
    this.facts = { code, message, ...more };
    this.headers = headers;
  }
}

export const badRequest = (problem: string, where?: string): HttpError =>
  new HttpError(
    400,
    "BAD_REQUEST",
    where ? `${where}: ${problem}` : problem,
    where === undefined ? {} : { where },
  );

export const notFound = (): HttpError => new HttpError(404, "NOT_FOUND", "there is nothing here");

export const forbidden = (message: string, code = "FORBIDDEN"): HttpError =>
  new HttpError(403, code, message);
