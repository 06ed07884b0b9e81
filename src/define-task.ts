import { types } from "node:util";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { Duration } from "./duration.ts";
import {
  InvalidOptionError,
  InvalidPayloadError,
  PayloadNotSerializableError,
  type ValidationIssue,
} from "./errors.ts";
import { decodePayload, encodePayload } from "./payload.ts";
import { requireKnownNames } from "./suggestion.ts";
import { type PayloadFormat, Task } from "./task.ts";
import { requireTaskType, sealTaskOptions, type TaskOptions } from "./task-options.ts";

/** Marks definitions, so that two copies of the package know each other's. */
const definitionBrand: unique symbol = Symbol.for("titanqueue.definition") as never;

/** Writes and reads a payload that is not JSON: Protobuf, MessagePack, JSON with big integers. */
export interface Codec<P> {
  encode(payload: P): Uint8Array;
  /** Gets an empty array for a task without bytes. What it throws makes the payload invalid. */
  decode(bytes: Uint8Array): P;
}

/** Options of a definition: those of a task, and `unique.key` may be computed from the input. */
export type DefinitionOptions<I> = Omit<TaskOptions, "unique"> & {
  unique?: TaskOptions["unique"] | { readonly for: Duration; readonly key: (input: I) => string };
};

/** Nothing to hand in, something that may be left out, or something that may not. */
type InputArguments<I> = unknown extends I
  ? [input?: I]
  : [I] extends [undefined]
    ? []
    : undefined extends I
      ? [input?: I]
      : [input: I];

/**
 * A kind of task: call it with the input to build one.
 *
 * @typeParam I - what a producer hands in
 * @typeParam P - what the handler gets
 * @typeParam R - what the handler returns
 */
export interface TaskDefinition<I, P, R> extends AnyTaskDefinition {
  (...input: InputArguments<I>): Task<I, R>;
  readonly options: DefinitionOptions<I>;
  /** @internal */
  encode(input: I): Uint8Array | undefined;
  /** @internal */
  decode(bytes: Uint8Array | undefined): P | Promise<P>;
  /** @internal */
  check(input: I, bytes: Uint8Array | undefined): void | Promise<void>;
}

/** Any task definition, as an argument type. */
export interface AnyTaskDefinition extends PayloadFormat {
  (...input: never): Task;
  readonly [definitionBrand]: true;
  readonly type: string;
  readonly options: DefinitionOptions<never>;
  /** What its payload is: JSON by a schema, bytes by a codec, or nothing. */
  readonly payloadKind: "json" | "bytes" | "none";
  /** The schema of the payload; `undefined`: a codec takes its place, or there is no payload. */
  readonly payloadSchema: StandardSchemaV1 | undefined;
}

/** What a producer hands to the definition `D`. */
export type InputOf<D extends AnyTaskDefinition> =
  D extends TaskDefinition<infer I, infer _P, infer _R> ? I : never;
/** What a handler of the definition `D` gets as `task.payload`. */
export type PayloadOf<D extends AnyTaskDefinition> =
  D extends TaskDefinition<infer _I, infer P, infer _R> ? P : never;
/** What a handler of the definition `D` returns. */
export type ResultOf<D extends AnyTaskDefinition> =
  D extends TaskDefinition<infer _I, infer _P, infer R> ? R : never;

type OutputOf<S> = S extends StandardSchemaV1 ? StandardSchemaV1.InferOutput<S> : unknown;

interface DefinitionParts<I> {
  payload?: StandardSchemaV1 | undefined;
  codec?: Codec<I> | undefined;
  result?: StandardSchemaV1 | undefined;
  options?: DefinitionOptions<I> | undefined;
}

/**
 * Defines a kind of task, for producers and handlers alike. Keep it in a module that both import.
 *
 * `payload` is a schema of any Standard Schema library (zod, valibot, arktype, …): a producer hands in its input, the
 * handler gets its output. Enqueueing validates what the handler will read, the JSON form of the input, so a schema
 * that does not survive JSON fails in the producer. The server validates again, and archives an invalid task at once.
 * `codec` takes the place of `payload` for bytes that are not JSON. With neither, the task has no payload
 * (`new Task(type, payload)` carries one that nobody checks).
 *
 * `result` is a schema too, and only gives what handlers return its type; results are not validated.
 *
 * @throws {@link InvalidOptionError} the type or an option is not acceptable.
 * @example
 * const welcomeEmail = defineTask("email:welcome", {
 *   payload: z.object({ userId: z.number() }),
 *   options: { queue: "critical", maxRetry: 5, timeout: "30s" },
 * });
 * await client.enqueue(welcomeEmail({ userId: 42 }));
 */
export function defineTask<S extends StandardSchemaV1, RS extends StandardSchemaV1 | undefined = undefined>(
  type: string,
  definition: {
    payload: S;
    codec?: undefined;
    result?: RS;
    options?: DefinitionOptions<StandardSchemaV1.InferInput<S>> | undefined;
  },
): TaskDefinition<StandardSchemaV1.InferInput<S>, StandardSchemaV1.InferOutput<S>, OutputOf<RS>>;
export function defineTask<P, RS extends StandardSchemaV1 | undefined = undefined>(
  type: string,
  definition: {
    codec: Codec<P>;
    payload?: undefined;
    result?: RS;
    options?: DefinitionOptions<P> | undefined;
  },
): TaskDefinition<P, P, OutputOf<RS>>;
export function defineTask<RS extends StandardSchemaV1 | undefined = undefined>(
  type: string,
  definition?: {
    payload?: undefined;
    codec?: undefined;
    result?: RS;
    options?: DefinitionOptions<undefined> | undefined;
  },
): TaskDefinition<undefined, undefined, OutputOf<RS>>;
export function defineTask<I>(
  type: string,
  parts: DefinitionParts<I> = {},
): TaskDefinition<I, unknown, unknown> {
  requireTaskType(type);
  const options = sealTaskOptions(parts.options);
  const format = formatOf(type, parts);
  const build = (input?: I) => new Task<I, unknown>(type, input, options as TaskOptions, definition);
  const payloadKind = parts.payload !== undefined ? "json" : parts.codec !== undefined ? "bytes" : "none";
  const definition = Object.assign(build, {
    [definitionBrand]: true as const,
    type,
    options,
    payloadKind,
    payloadSchema: parts.payload,
    ...format,
  });
  return definition as TaskDefinition<I, unknown, unknown>;
}

function formatOf<I>(type: string, parts: DefinitionParts<I>): PayloadFormat {
  requireKnownNames("defineTask", parts, PARTS);
  const { payload, codec, result } = parts;
  if (payload !== undefined && codec !== undefined) {
    throw new InvalidOptionError("codec", "takes the place of payload; give one of them");
  }
  if (result !== undefined) requireSchema("result", result);
  if (payload !== undefined) return schemaFormat(type, requireSchema("payload", payload));
  if (codec !== undefined) return codecFormat(type, codec);
  return NO_PAYLOAD;
}

const PARTS = ["payload", "codec", "result", "options"] as const;

function requireSchema(option: string, schema: StandardSchemaV1): StandardSchemaV1 {
  if (typeof schema?.["~standard"]?.validate !== "function") {
    throw new InvalidOptionError(
      option,
      "expected a Standard Schema (zod 3.24, valibot 1.0, arktype 2.0, or newer)",
    );
  }
  return schema;
}

/** Whatever another producer put there is not the handler's business; it still is in `task.bytes`. */
const NO_PAYLOAD: PayloadFormat = {
  encode: (input: unknown) => encodePayload(input),
  decode: () => undefined,
  check: () => undefined,
};

function codecFormat<I>(type: string, codec: Codec<I>): PayloadFormat {
  function decode(bytes: Uint8Array | undefined): I {
    try {
      return codec.decode(bytes ?? new Uint8Array(0));
    } catch (cause) {
      throw new InvalidPayloadError(
        type,
        [{ path: "", message: `codec.decode: ${messageOf(cause)}` }],
        undefined,
        {
          cause,
        },
      );
    }
  }
  return {
    encode(input: I) {
      let bytes: unknown;
      try {
        bytes = codec.encode(input);
      } catch (cause) {
        throw new PayloadNotSerializableError("payload", `codec.encode: ${messageOf(cause)}`, { cause });
      }
      if (types.isUint8Array(bytes)) return Buffer.from(bytes);
      throw new PayloadNotSerializableError("payload", "codec.encode did not return a Uint8Array");
    },
    decode,
    check(_input: I, bytes) {
      decode(bytes);
    },
  };
}

function schemaFormat(type: string, schema: StandardSchemaV1): PayloadFormat {
  const { validate } = schema["~standard"];

  function accepted(result: StandardSchemaV1.Result<unknown>): unknown {
    if (result.issues) throw new InvalidPayloadError(type, result.issues.map(validationIssue));
    return result.value;
  }

  /** Says so when the value itself was fine and JSON made the difference. */
  async function refuse(issues: readonly StandardSchemaV1.Issue[], input: unknown): Promise<never> {
    const direct = await validate(input);
    const hint = direct.issues ? undefined : SCHEMA_HINT;
    throw new InvalidPayloadError(type, issues.map(validationIssue), hint);
  }

  return {
    encode: (input: unknown) => encodePayload(input),
    decode(bytes) {
      const result = validate(decodePayload(bytes, type));
      return isPromise(result) ? result.then(accepted) : accepted(result);
    },
    check(input: unknown, bytes) {
      const result = validate(decodePayload(bytes, type));
      if (isPromise(result)) {
        return result.then(({ issues }) => (issues ? refuse(issues, input) : undefined));
      }
      return result.issues ? refuse(result.issues, input) : undefined;
    },
  };
}

const SCHEMA_HINT =
  "the schema accepts the value, but not what JSON makes of it: a Date becomes text, undefined is left out; " +
  "let the schema read the JSON form, as z.coerce.date() does, or use a codec";

function validationIssue({ message, path = [] }: StandardSchemaV1.Issue): ValidationIssue {
  let text = "";
  for (const segment of path) {
    const key = typeof segment === "object" ? segment.key : segment;
    if (typeof key === "number") text += `[${key}]`;
    else text += text === "" ? String(key) : `.${String(key)}`;
  }
  return { path: text, message };
}

function isPromise<T>(value: T | Promise<T>): value is Promise<T> {
  return typeof (value as { then?: unknown }).then === "function";
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** Whether `value` is a task definition, of this copy of the package or another. */
export function isTaskDefinition(value: unknown): value is AnyTaskDefinition {
  return typeof value === "function" && definitionBrand in value;
}
