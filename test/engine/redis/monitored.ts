import type { RedisRig } from "../../support/redis-rig.ts";

/** A command as Redis took it from a connection; what scripts call is none. */
export interface SeenCommand {
  readonly args: readonly string[];
  /** Address of the connection that sent it. */
  readonly source: string;
}

/** What Redis was sent while `body` ran, in order, also by other clients. */
export async function commandsOf(redis: RedisRig, body: () => Promise<unknown>): Promise<SeenCommand[]> {
  const client = redis.client();
  const monitor = await client.monitor();
  const seen: SeenCommand[] = [];
  const end = "commandsOf: the end";
  const ended = new Promise<void>((resolve) => {
    monitor.on("monitor", (_time: string, args: string[], source: string) => {
      if (args[1] === end) resolve();
      else if (source !== "lua") seen.push({ args, source });
    });
  });
  try {
    await body();
    await client.echo(end);
    await ended;
    return seen;
  } finally {
    monitor.disconnect();
    client.disconnect();
  }
}
