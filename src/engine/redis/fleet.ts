import type { Inspection, PresenceRecord } from "../../broker/inspection.ts";
import { DecodeError } from "../../errors.ts";
import { decodeServerInfo, decodeWorkerInfo } from "../../protocol/codec.ts";
import { ALL_SERVERS, ALL_WORKERS } from "../../protocol/keys.ts";
import { floorSeconds } from "../../protocol/units.ts";
import type { RedisContext } from "./redis-context.ts";

/** Servers that are alive, ours and Go's. A record that cannot be read is left out, as Go does. */
export function redisFleet({
  commands,
  clock,
}: Pick<RedisContext, "commands" | "clock">): Pick<Inspection, "servers"> {
  /** Keys of the records that have not expired. Those that have are removed: nobody else does so for a server that died. */
  async function alive(index: string): Promise<string[]> {
    const now = floorSeconds(clock.now());
    const [listed] = await commands.pipeline(index, [
      ["ZRANGE", index, now, "+inf", "BYSCORE"],
      ["ZREMRANGEBYSCORE", index, "-inf", now - 1],
    ]);
    if (listed instanceof Error) throw listed;
    return (listed as Buffer[]).map(String);
  }

  return {
    async servers() {
      const [servers, workers] = await Promise.all([alive(ALL_SERVERS), alive(ALL_WORKERS)]);
      const [infos, running] = await Promise.all([
        Promise.all(servers.map((key) => commands.command(key, "GET", [key]))),
        Promise.all(workers.map((key) => commands.command(key, "HVALS", [key]))),
      ]);
      const workerInfos = (running as Buffer[][]).flat().flatMap((bytes) => read(decodeWorkerInfo, bytes));
      return (infos as (Buffer | null)[])
        .flatMap((bytes) => (bytes === null ? [] : read(decodeServerInfo, bytes)))
        .map((info): PresenceRecord => {
          return { info, workers: workerInfos.filter(({ serverId }) => serverId === info.serverId) };
        });
    },
  };
}

function read<T>(decode: (bytes: Uint8Array) => T, bytes: Uint8Array): T[] {
  try {
    return [decode(bytes)];
  } catch (error) {
    if (error instanceof DecodeError) return [];
    throw error;
  }
}
