import { type Inspector, RedisWrongTypeError, type TaskInfo } from "../../index.ts";
import type { EngineState, RunningOn, TaskDetail, TaskRow, UniqueLock } from "../api.ts";
import { HttpError } from "../http-error.ts";
import type { Redaction } from "../redaction.ts";
import { taskDetail, taskRow } from "../rows.ts";
import type { Visitor } from "../scope.ts";
import type { House } from "./rule.ts";

/** What values of users are hidden from a visitor by; `undefined`: none are. */
export function hiddenFrom({ redaction }: House, { role }: Visitor): Redaction | undefined {
  return role === "view" ? redaction : undefined;
}

export function rowOf(house: House, info: TaskInfo, visitor: Visitor): TaskRow {
  return { ...taskRow(info, hiddenFrom(house, visitor)), deleteAt: house.deletions.deleteAt(info) };
}

export async function detailOf(house: House, info: TaskInfo, visitor: Visitor): Promise<TaskDetail> {
  const [running, lock] = await Promise.all([
    info.state === "active" ? runningOn(house.inspector, info) : null,
    uniqueLockOf(house.inspector, info),
  ]);
  const around = { runningOn: running, uniqueLock: lock };
  const detail = taskDetail(info, house.engine.broker.now(), around, hiddenFrom(house, visitor));
  return { ...detail, deleteAt: house.deletions.deleteAt(info) };
}

/** A lock that is something else must not hide its task. */
async function uniqueLockOf(inspector: Inspector, info: TaskInfo): Promise<UniqueLock | null> {
  try {
    const lock = await inspector.getUniqueLock(info);
    return lock === undefined ? null : { holder: lock.holder ?? null, until: lock.until?.getTime() ?? null };
  } catch (error) {
    if (error instanceof RedisWrongTypeError) return null;
    throw error;
  }
}

async function runningOn(inspector: Inspector, { queue, id }: TaskInfo): Promise<RunningOn | null> {
  for (const server of await inspector.servers()) {
    const worker = server.workers.find((each) => each.taskId === id && each.queue === queue);
    if (worker === undefined) continue;
    return {
      serverId: server.id,
      host: server.host,
      pid: server.pid,
      startedAt: worker.startedAt.getTime(),
      deadline: worker.deadline?.getTime() ?? null,
    };
  }
  return null;
}

export function requireSeen({ status }: EngineState): void {
  if (status === "up") return;
  throw new HttpError(503, "ENGINE_UNAVAILABLE", "the engine cannot be reached, or did not answer in time");
}

export function noPermission(): HttpError {
  return new HttpError(502, "REDIS_NO_PERMISSION", "the engine's user may not do this");
}
