import { decodePayload, encodePayload } from "./payload.ts";
import type { TaskMessage } from "./protocol/task-message.ts";
import { copyTaskOptions, type TaskOptions } from "./task-options.ts";

/** Marks tasks, so that two copies of the package know each other's. */
export const taskBrand: unique symbol = Symbol.for("titanqueue.task") as never;

export type Headers = Readonly<Record<string, string>>;

/** How a task definition turns its input into bytes and bytes into a payload. */
export interface PayloadFormat {
  encode(input: never): Uint8Array | undefined;
  decode(bytes: Uint8Array | undefined): unknown;
  check(input: never, bytes: Uint8Array | undefined): void | Promise<void>;
}

/**
 * A unit of work: a type that chooses the handler, and a payload for it.
 *
 * Building a task touches nothing; `Client.enqueue` checks and stores it. {@link defineTask} builds tasks whose
 * payload is typed and validated.
 *
 * @typeParam P - the payload
 * @typeParam R - what its handler returns
 * @example await client.enqueue(new Task("email:welcome", { userId: 42 }));
 */
export class Task<P = unknown, R = unknown> {
  /** Type only: ties the task to what its handler returns. */
  declare readonly "~result"?: R;
  /** Chooses the handler. 1 to 1,024 bytes of UTF-8. */
  readonly type: string;
  /** Options for each enqueue of this task, unless the call has its own: as they were when it was built. */
  readonly options: TaskOptions;
  /** @internal The definition that built it. */
  readonly [taskBrand]: PayloadFormat | undefined;
  readonly #input: unknown;

  /**
   * @param type - chooses the handler
   * @param payload - any JSON value, a `Uint8Array` (stored as it is), or nothing
   * @param options - as for `Client.enqueue`, whose options win over these
   */
  constructor(type: string, payload?: P, options?: TaskOptions);
  /** @internal */
  constructor(type: string, payload: unknown, options: TaskOptions, definition?: PayloadFormat);
  constructor(type: string, payload?: unknown, options: TaskOptions = {}, definition?: PayloadFormat) {
    this.type = type;
    this.options = copyTaskOptions(options);
    this[taskBrand] = definition;
    this.#input = payload;
  }

  static [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === "object" && value !== null && taskBrand in value;
  }

  /**
   * The payload. Of a task that a handler received it is read when first asked for; `undefined` when there is none.
   *
   * @throws {@link PayloadNotJsonError} the task has bytes that are not JSON: read {@link Task.bytes}.
   */
  get payload(): P {
    return this.#input as P;
  }

  /**
   * The payload as it is stored; `undefined` when there is none.
   *
   * @throws {@link PayloadNotSerializableError} the payload this task was built with cannot be stored.
   */
  get bytes(): Uint8Array | undefined {
    return this[taskBrand] ? this[taskBrand].encode(this.#input as never) : encodePayload(this.#input);
  }

  /** The task's headers; an object without prototype. */
  get headers(): Headers {
    const headers = this.options.headers;
    return headers ? headersFrom(Object.entries(headers)) : NO_HEADERS;
  }
}

const NO_HEADERS: Headers = Object.freeze(Object.create(null) as Record<string, string>);
const NO_OPTIONS: TaskOptions = Object.freeze({});
const UNREAD = Symbol("unread");

class ReceivedTask<P, R> extends Task<P, R> {
  readonly #message: TaskMessage;
  #payload: unknown;
  #headers: Headers | undefined;

  constructor(message: TaskMessage, payload: unknown) {
    super(message.type, undefined, NO_OPTIONS);
    this.#message = message;
    this.#payload = payload;
  }

  override get payload(): P {
    if (this.#payload === UNREAD) this.#payload = decodePayload(this.#message.payload, this.type);
    return this.#payload as P;
  }

  override get bytes(): Uint8Array | undefined {
    return this.#message.payload;
  }

  override get headers(): Headers {
    this.#headers ??= headersOf(this.#message);
    return this.#headers;
  }
}

/** The task of a stored message, with its payload where a definition has decoded it already. */
export function receivedTask<P = unknown, R = unknown>(
  message: TaskMessage,
  payload?: { readonly value: P },
): Task<P, R> {
  return new ReceivedTask<P, R>(message, payload ? payload.value : UNREAD);
}

/** Headers as the caller sees them: nothing inherited, whatever the names. */
function headersFrom(entries: Iterable<readonly [string, string]>): Headers {
  const headers = Object.create(null) as Record<string, string>;
  for (const [name, value] of entries) headers[name] = value;
  return headers;
}

/** Headers of a stored message; most have none. */
export function headersOf({ headers }: TaskMessage): Headers {
  return headers.size === 0 ? NO_HEADERS : headersFrom(headers);
}
