import type { Broker } from "../../broker/broker.ts";
import { encodeServerInfo, encodeWorkerInfo } from "../../protocol/codec.ts";
import { ALL_SERVERS, ALL_WORKERS, CANCEL_CHANNEL, serverKey, workersKey } from "../../protocol/keys.ts";
import { ceilSeconds, floorSeconds } from "../../protocol/units.ts";
import type { RedisContext } from "./redis-context.ts";
import { listRecord, writeServerState } from "./scripts.gen.ts";

type Presence = Pick<Broker, "writeServerState" | "clearServerState" | "publishCancelation">;

/**
 * Who serves, and a word to them. The records of one server lie in one slot, the two indexes elsewhere; the commands
 * of one call leave together, and nobody minds when only some arrive.
 */
export function redisPresence({
  commands,
  clock,
  logger,
}: Pick<RedisContext, "commands" | "clock" | "logger">): Presence {
  return {
    async writeServerState(info, workers, ttl) {
      const server = serverKey(info);
      const working = workersKey(info);
      const until = floorSeconds(clock.now()) + ceilSeconds(ttl);
      const entries = workers.flatMap((worker) => [worker.taskId, encodeWorkerInfo(worker)]);
      await Promise.all([
        // The heartbeat of a server is also how its clock keeps up with Redis's.
        clock.measure(commands).catch((error: unknown) => {
          logger.debug({ error }, "the clock of Redis cannot be read; the last measurement stands");
        }),
        listRecord.run(commands, { index: ALL_SERVERS }, { expiry: until, record: server }),
        listRecord.run(commands, { index: ALL_WORKERS }, { expiry: until, record: working }),
        writeServerState.run(
          commands,
          { server, workers: working },
          { ttl: ceilSeconds(ttl), info: encodeServerInfo(info), entries },
        ),
      ]);
    },

    async clearServerState(name) {
      const server = serverKey(name);
      const working = workersKey(name);
      await Promise.all([
        commands.command(ALL_SERVERS, "ZREM", [ALL_SERVERS, server]),
        commands.command(ALL_WORKERS, "ZREM", [ALL_WORKERS, working]),
        commands.command(server, "DEL", [server, working]),
      ]);
    },

    async publishCancelation(taskId) {
      await commands.command(undefined, "PUBLISH", [CANCEL_CHANNEL, taskId]);
    },
  };
}
