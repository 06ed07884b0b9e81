import type { ServerInfo } from "../../protocol/server-info.ts";
import type { WorkerInfo } from "../../protocol/worker-info.ts";
import type { MemoryStore } from "./store.ts";

export interface PresenceRecord {
  readonly info: ServerInfo;
  readonly workers: readonly WorkerInfo[];
  readonly expiresAt: number;
}

type ServerName = Pick<ServerInfo, "host" | "pid" | "serverId">;

/** Announces a server, and forgets those that have not announced themselves in time. */
export function writeServerState({ presence }: MemoryStore, record: PresenceRecord, now: number): void {
  for (const [name, { expiresAt }] of presence) if (expiresAt <= now) presence.delete(name);
  presence.set(nameOf(record.info), record);
}

export function clearServerState({ presence }: MemoryStore, server: ServerName): void {
  presence.delete(nameOf(server));
}

function nameOf({ host, pid, serverId }: ServerName): string {
  return `${host}:${pid}:${serverId}`;
}
