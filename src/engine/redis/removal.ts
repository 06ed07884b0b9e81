import type { Inspection } from "../../broker/inspection.ts";
import { ALL_QUEUES, queueKeys } from "../../protocol/keys.ts";
import type { RedisContext } from "./redis-context.ts";
import { removeQueue } from "./scripts.gen.ts";

/** Keys of the database that one call looks at, and may delete: a few milliseconds of Redis's time. */
const KEYS_A_CALL = 1_000;

type Removal = Pick<Inspection, "removeQueue" | "holdsUncounted">;

/** As itself in a pattern of SCAN. */
const escaped = (text: string) => text.replace(/[\\*?[\]]/g, "\\$&");

/** Removes what queues leave. */
export function redisRemoval({ commands }: Pick<RedisContext, "commands">): Removal {
  async function step(queue: string, cursor: string): Promise<string> {
    const names = queueKeys(queue);
    const prefix = names.taskPrefix.slice(0, -"t:".length);
    const ourPrefix = names.due.slice(0, -"due".length);
    const pattern = `*{${escaped(queue)}}:*`;
    const args = { cursor, pattern, count: KEYS_A_CALL, prefix, ourPrefix };
    return String(await removeQueue.run(commands, names, args));
  }

  return {
    // A group of which a Go server returned the members is listed nowhere until a recoverer finds it.
    async holdsUncounted(queue) {
      const { groupPrefix } = queueKeys(queue);
      const pattern = `${escaped(groupPrefix)}*`;
      for (let cursor = "0"; ; ) {
        const scan = ["SCAN", [cursor, "MATCH", pattern, "COUNT", KEYS_A_CALL]] as const;
        const [next, found] = (await commands.command(groupPrefix, ...scan)) as [Buffer, Buffer[]];
        if (found.length > 0) return true;
        cursor = String(next);
        if (cursor === "0") return false;
      }
    },
    async removeQueue(queue, cursor = "0") {
      const next = await step(queue, cursor);
      if (next === "") return { status: "not-empty" };
      if (next !== "0") return { status: "more", cursor: next };
      await commands.command(ALL_QUEUES, "SREM", [ALL_QUEUES, queue]);
      // Somebody may have enqueued since: that must not go unseen.
      if ((await step(queue, "")) !== "") return { status: "removed" };
      await commands.command(ALL_QUEUES, "SADD", [ALL_QUEUES, queue]);
      return { status: "not-empty" };
    },
  };
}
