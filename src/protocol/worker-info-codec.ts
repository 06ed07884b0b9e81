import { EPOCH, readTimestamp, timestampSize, writeTimestamp } from "./timestamp-codec.ts";
import { utf8Length } from "./utf8.ts";
import { WireReader } from "./wire-reader.ts";
import { intSize, spanSize, writeBytes, writeInt, writeText } from "./wire-writer.ts";
import type { WorkerInfo } from "./worker-info.ts";

export function encodeWorkerInfo(info: WorkerInfo): Buffer {
  const host = utf8Length(info.host);
  const serverId = utf8Length(info.serverId);
  const taskId = utf8Length(info.taskId);
  const taskType = utf8Length(info.taskType);
  const queue = utf8Length(info.queue);

  const to = Buffer.allocUnsafe(
    spanSize(host) +
      intSize(info.pid) +
      spanSize(serverId) +
      spanSize(taskId) +
      spanSize(taskType) +
      spanSize(info.taskPayload.length) +
      spanSize(queue) +
      timestampSize(info.startTime) +
      timestampSize(info.deadline),
  );
  let at = writeText(to, 0, 0x0a, info.host, host);
  at = writeInt(to, at, 0x10, info.pid);
  at = writeText(to, at, 0x1a, info.serverId, serverId);
  at = writeText(to, at, 0x22, info.taskId, taskId);
  at = writeText(to, at, 0x2a, info.taskType, taskType);
  at = writeBytes(to, at, 0x32, info.taskPayload);
  at = writeText(to, at, 0x3a, info.queue, queue);
  at = writeTimestamp(to, at, 0x42, info.startTime);
  writeTimestamp(to, at, 0x4a, info.deadline);
  return to;
}

/** @throws {@link DecodeError} these bytes are not a worker's record. */
export function decodeWorkerInfo(bytes: Uint8Array): WorkerInfo {
  const reader = new WireReader(bytes);
  const info = {
    host: "",
    pid: 0,
    serverId: "",
    taskId: "",
    taskType: "",
    taskPayload: new Uint8Array() as Uint8Array,
    queue: "",
    startTime: EPOCH,
    deadline: EPOCH,
  };
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x0a) info.host = reader.text();
    else if (tag === 0x10) info.pid = reader.int32();
    else if (tag === 0x1a) info.serverId = reader.text();
    else if (tag === 0x22) info.taskId = reader.text();
    else if (tag === 0x2a) info.taskType = reader.text();
    else if (tag === 0x32) info.taskPayload = reader.span();
    else if (tag === 0x3a) info.queue = reader.text();
    else if (tag === 0x42) info.startTime = readTimestamp(reader, info.startTime);
    else if (tag === 0x4a) info.deadline = readTimestamp(reader, info.deadline);
    else reader.skip(tag);
  }
  return info;
}
