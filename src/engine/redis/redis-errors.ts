import {
  EngineUnavailableError,
  RedisAuthError,
  RedisCommandError,
  RedisOutOfMemoryError,
  RedisPermissionError,
  RedisReadOnlyError,
  RedisWrongTypeError,
  type TitanQueueError,
} from "../../errors.ts";

/** The code of an error reply, also of one that a command in a script got: Redis 6.2 wraps it in words of its own. */
export function replyCode({ message }: Error): string {
  if (/^ERR The user executing the script can't/.test(message)) return "NOPERM";
  const inScript = /^ERR Error running script .*?@user_script: ?\d+: -?([A-Z]+)\b/.exec(message);
  return (inScript ?? /^([A-Z]+)\b/.exec(message))?.[1] ?? "";
}

/** Whether the server, where it stands, cannot take writes: it is worth asking for the way to the primary again. */
export function isMisplaced(reply: Error): boolean {
  const code = replyCode(reply);
  return code === "READONLY" || code === "MASTERDOWN" || code === "NOAUTH";
}

/**
 * The typed error for an error reply. A command that Redis refuses was not executed.
 *
 * @param key - the only key of the command, if it had one
 *
 * The texts are Redis's own, which name keys and commands; nothing of what was sent to authenticate is in them.
 */
export function replyError(reply: Error, key?: string): TitanQueueError {
  const text = reply.message;
  switch (replyCode(reply)) {
    case "OOM":
      return new RedisOutOfMemoryError(`Redis is out of memory: ${text}`);
    case "NOPERM":
      return new RedisPermissionError(`the Redis user lacks a permission: ${text}`);
    case "WRONGPASS":
    case "NOAUTH":
      return new RedisAuthError(`Redis refused the user name or password: ${text}`);
    case "READONLY":
    case "MISCONF":
    case "NOREPLICAS":
      return new RedisReadOnlyError(`Redis refuses writes: ${text}`);
    case "WRONGTYPE":
      return new RedisWrongTypeError(`${key ?? "a key"} is of another type than it should be: ${text}`, key);
    case "LOADING":
    case "MASTERDOWN":
    case "CLUSTERDOWN":
    case "TRYAGAIN":
    case "MOVED":
    case "ASK":
    case "BUSY":
      return new EngineUnavailableError(`Redis cannot answer now: ${text}`);
    default:
      return new RedisCommandError(`Redis refused the command: ${text}`);
  }
}

/** Nobody answered at `where`: surely nothing was executed. */
export function unreachable(where: string, cause: unknown): EngineUnavailableError {
  const why = cause instanceof Error && cause.message !== "" ? cause.message : String(cause);
  return new EngineUnavailableError(`Redis at ${where} cannot be reached: ${why}`, { cause });
}
