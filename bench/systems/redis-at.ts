import { Redis } from "ioredis";

const clients = new Map<string, Redis>();

/** The one client of this process for that Redis; it lives as long as the process. */
export function redisAt(url: string): Redis {
  const client = clients.get(url) ?? new Redis(url, { protocol: 2 } as never);
  clients.set(url, client);
  return client;
}
