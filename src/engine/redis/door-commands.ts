import type { RedisCommands } from "./redis-commands.ts";
import { answered } from "./unanswered.ts";

/**
 * Commands for callers to whom a lost answer is as good as none: what they ask for may be asked for again, and nobody
 * else needs to know that it may have been done.
 */
export function doorCommands(commands: RedisCommands): RedisCommands {
  return {
    run: (...call) => answered(commands.run(...call)),
    command: (...call) => answered(commands.command(...call)),
    pipeline: (...call) => answered(commands.pipeline(...call)),
  };
}
