import { type Inspector, type QueueInfo, type ServerRecord, TitanQueueError } from "../index.ts";

/** Queues that are asked about at once. */
const CHUNK = 50;
/** Queues that one scrape shows: each is a dozen series, which Prometheus keeps for weeks. */
export const MOST_QUEUES = 1_000;

/** A queue at the moment of a scrape. */
export interface QueueReading {
  readonly info: QueueInfo;
  /** `undefined`: the store cannot tell, or does not let us ask. */
  readonly memory: number | undefined;
  /** Live servers that serve it; `undefined`: the store does not let us ask. */
  readonly servers: number | undefined;
}

/** What one scrape shows of an engine. */
export interface EngineReading {
  /** Queues there are, those beyond {@link MOST_QUEUES} included. */
  readonly total: number;
  readonly queues: readonly QueueReading[];
}

type Door = Pick<Inspector, "queues" | "getQueueInfo" | "getMemoryUsage" | "servers">;

/** `undefined`: the engine cannot be reached, or refuses. */
export async function readEngine(
  inspector: Door,
  shows: (queue: string) => boolean,
): Promise<EngineReading | undefined> {
  try {
    const names = (await inspector.queues()).filter(shows);
    const servers = await serversOf(inspector);
    const queues: QueueReading[] = [];
    const shown = names.slice(0, MOST_QUEUES);
    for (let at = 0; at < shown.length; at += CHUNK) {
      const readings = shown.slice(at, at + CHUNK).map(async (name) => {
        const [info, memory] = await Promise.all([infoOf(inspector, name), memoryOf(inspector, name)]);
        if (info === undefined) return [];
        const serving = servers?.filter((each) => Object.hasOwn(each.queues, name));
        return [{ info, memory, servers: serving?.length }];
      });
      queues.push(...(await Promise.all(readings)).flat());
    }
    return { total: names.length, queues };
  } catch (error) {
    // The other metrics of the registry are worth having, most of all now.
    if (error instanceof TitanQueueError) return undefined;
    throw error;
  }
}

async function serversOf(inspector: Door): Promise<readonly ServerRecord[] | undefined> {
  return unless(["REDIS_NO_PERMISSION"], inspector.servers());
}

/** `undefined`: deleted since it was listed, or another program writes to its keys, which must not hide all others. */
async function infoOf(inspector: Door, queue: string): Promise<QueueInfo | undefined> {
  return unless(["QUEUE_NOT_FOUND", "REDIS_WRONG_TYPE"], inspector.getQueueInfo(queue));
}

async function memoryOf(inspector: Door, queue: string): Promise<number | undefined> {
  return unless(
    ["QUEUE_NOT_FOUND", "REDIS_NO_PERMISSION", "REDIS_WRONG_TYPE"],
    inspector.getMemoryUsage(queue),
  );
}

async function unless<T>(codes: readonly string[], read: Promise<T>): Promise<T | undefined> {
  try {
    return await read;
  } catch (error) {
    if (error instanceof TitanQueueError && codes.includes(error.code)) return undefined;
    throw error;
  }
}
