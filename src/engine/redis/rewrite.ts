import { createHash } from "node:crypto";
import type { Inspection } from "../../broker/inspection.ts";
import { encodeTaskMessage } from "../../protocol/codec.ts";
import { queueKeys } from "../../protocol/keys.ts";
import type { RedisContext } from "./redis-context.ts";
import { rewriteTask } from "./scripts.gen.ts";
import { readMessage } from "./stored-message.ts";

/** Others may change the same task meanwhile; nobody does so for ever. */
const ATTEMPTS = 5;

/** Replaces messages: reads, and writes if nothing has changed since. */
export function redisRewrites({ commands }: Pick<RedisContext, "commands">): Pick<Inspection, "rewriteTask"> {
  return {
    async rewriteTask(queue, taskId, rewrite) {
      const task = queueKeys(queue).taskPrefix + taskId;
      for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
        const reply = await commands.command(task, "HMGET", [task, "state", "msg"]);
        const [state, bytes] = reply as (Buffer | null)[];
        if (!state) return { status: "missing" };
        if (String(state) !== "scheduled") return { status: "not-scheduled" };
        const old = bytes ? readMessage(queue, taskId, bytes) : undefined;
        if (!bytes || old === undefined) return { status: "damaged" };
        const message = rewrite(old);
        const answer = await rewriteTask.run(
          commands,
          // Without a lock, there is none to move: any key of the slot stands for it.
          { task, oldLock: old.uniqueKey || task, newLock: message.uniqueKey || task },
          {
            id: taskId,
            sha1: createHash("sha1").update(bytes).digest("hex"),
            message: encodeTaskMessage(message),
          },
        );
        if (answer === 1) return { status: "rewritten" };
        if (Buffer.isBuffer(answer)) return { status: "duplicate", holder: String(answer) };
      }
      return { status: "outdated" };
    },
  };
}
