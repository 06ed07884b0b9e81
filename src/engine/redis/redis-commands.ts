/** One value handed to Redis; numbers travel as their decimal text. */
export type RedisArg = string | number | Uint8Array;

/** The name of a key; bytes where it is no text. */
export type RedisKey = string | Uint8Array;

/**
 * A reply as it comes: bulk and status replies as Buffer, integers as number, arrays nested, nil as null. An error
 * inside an array stays an Error value.
 */
export type RedisReply = Buffer | number | null | Error | RedisReply[];

/** A Lua script: its name in asynq's words, its text, and the SHA-1 of that text. */
export interface ScriptSource {
  readonly name: string;
  readonly source: string;
  readonly sha1: string;
}

export interface RedisCallOptions {
  /** Milliseconds until the call rejects. @defaultValue the engine's command timeout */
  readonly timeout?: number;
  readonly signal?: AbortSignal;
  /** Gets the reply that arrives after the call has rejected for its timeout or signal. */
  readonly onLateReply?: (reply: RedisReply) => void;
}

/**
 * What the engine's phases need of a connection; nothing of the driver shows through.
 *
 * A call rejects with
 * - `EngineUnavailableError`: surely not executed (never sent, or refused because nobody listens);
 * - {@link UnansweredError}: sent, and nobody knows; never re-sent by itself;
 * - a typed error of `errors.ts` for an error reply: surely not executed (OOM, NOPERM, READONLY, …), or
 *   `RedisCommandError`.
 */
export interface RedisCommands {
  /**
   * Runs a script by its SHA, and by its text where Redis does not know it yet. All keys lie in one slot, which the
   * first one tells.
   */
  run(
    script: ScriptSource,
    keys: readonly RedisKey[],
    args: readonly RedisArg[],
    options?: RedisCallOptions,
  ): Promise<RedisReply>;

  /** One command; in Cluster it goes to the node that serves `key` (any node when there is none). */
  command(
    key: string | undefined,
    name: string,
    args: readonly RedisArg[],
    options?: RedisCallOptions,
  ): Promise<RedisReply>;

  /** Several commands for keys of one slot in one round trip; an error reply of one is an Error in its place. */
  pipeline(
    key: string | undefined,
    commands: readonly (readonly [name: string, ...args: RedisArg[]])[],
    options?: RedisCallOptions,
  ): Promise<RedisReply[]>;
}

/** The command was sent and its answer was lost: executed or not, nobody knows. Never leaves the engine. */
export class UnansweredError extends Error {
  override readonly name = "UnansweredError";
}
