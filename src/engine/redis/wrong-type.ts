import { RedisWrongTypeError } from "../../errors.ts";
import { keyType } from "../../protocol/key-type.ts";
import type { RedisCallOptions, RedisCommands, RedisKey } from "./redis-commands.ts";

export interface FailedCall {
  /** Name of the script. */
  readonly what: string;
  readonly keys: readonly RedisKey[];
  /** Redis's words, which name no key. */
  readonly text: string;
}

/**
 * The error for a script that met a key of another type. Redis does not say which, so the types of its keys are asked
 * for, on this path alone. Never rejects: where the key cannot be found any more, the error says what is known.
 */
export async function wrongTypeError(
  commands: Pick<RedisCommands, "pipeline">,
  { what, keys, text }: FailedCall,
  options: RedisCallOptions,
): Promise<RedisWrongTypeError> {
  const names = keys.map(String);
  const types = await commands
    .pipeline(
      names[0],
      names.map((name) => ["TYPE", name]),
      options,
    )
    .catch(() => []);
  for (const [i, name] of names.entries()) {
    const [found, wanted] = [types[i], keyType(name)];
    if (!Buffer.isBuffer(found) || wanted === undefined) continue;
    const type = found.toString();
    if (type === wanted || type === "none") continue;
    return new RedisWrongTypeError(
      `${what}: the key "${name}" is of type ${type}, not ${wanted} as it should be: another program writes to it`,
      name,
    );
  }
  return new RedisWrongTypeError(
    `${what}: a key, near "${names[0]}", is of another type than it should: ${text}`,
  );
}
