import type { ServerInfo } from "./server-info.ts";
import { EPOCH, readTimestamp, timestampSize, writeTimestamp } from "./timestamp-codec.ts";
import { utf8Length, writeUtf8 } from "./utf8.ts";
import { WireReader } from "./wire-reader.ts";
import {
  intSize,
  spanSize,
  varintSize,
  writeInt,
  writeSpanHead,
  writeText,
  writeVarint,
} from "./wire-writer.ts";

/** Field 1000, text: unknown to Go, which skips it. Its tag takes two bytes. */
const PEER_TAG = 1_000 * 8 + 2;
/** Field 1001, int32, written also where it is zero: absent means that it is not known. */
const LAG_TAG = 1_001 * 8;

export function encodeServerInfo(info: ServerInfo): Buffer {
  const host = utf8Length(info.host);
  const serverId = utf8Length(info.serverId);
  const status = utf8Length(info.status);
  const peer = utf8Length(info.peer ?? "");

  const to = Buffer.allocUnsafe(
    spanSize(host) +
      intSize(info.pid) +
      spanSize(serverId) +
      intSize(info.concurrency) +
      queuesSize(info.queues) +
      (info.strictPriority ? 2 : 0) +
      spanSize(status) +
      timestampSize(info.startTime) +
      intSize(info.activeWorkerCount) +
      (peer === 0 ? 0 : 1 + spanSize(peer)) +
      (info.lag === undefined ? 0 : 2 + varintSize(info.lag)),
  );
  let at = writeText(to, 0, 0x0a, info.host, host);
  at = writeInt(to, at, 0x10, info.pid);
  at = writeText(to, at, 0x1a, info.serverId, serverId);
  at = writeInt(to, at, 0x20, info.concurrency);
  at = writeQueues(to, at, info.queues);
  at = writeInt(to, at, 0x30, info.strictPriority ? 1 : 0);
  at = writeText(to, at, 0x3a, info.status, status);
  at = writeTimestamp(to, at, 0x42, info.startTime);
  at = writeInt(to, at, 0x48, info.activeWorkerCount);
  if (peer > 0) {
    at = writeVarint(to, writeVarint(to, at, PEER_TAG), peer);
    at = writeUtf8(to, at, info.peer ?? "", peer);
  }
  if (info.lag !== undefined) writeVarint(to, writeVarint(to, at, LAG_TAG), info.lag);
  return to;
}

/** Name and weight of a map entry are always written, even if empty or zero. */
function entrySize(name: number, weight: number): number {
  return (spanSize(name) || 2) + 1 + varintSize(weight);
}

function queuesSize(queues: ReadonlyMap<string, number>): number {
  let size = 0;
  for (const [name, weight] of queues) size += spanSize(entrySize(utf8Length(name), weight));
  return size;
}

function writeQueues(to: Buffer, start: number, queues: ReadonlyMap<string, number>): number {
  let at = start;
  for (const [name, weight] of queues) {
    const length = utf8Length(name);
    at = writeSpanHead(to, at, 0x2a, entrySize(length, weight));
    at = writeUtf8(to, writeSpanHead(to, at, 0x0a, length), name, length);
    to[at] = 0x10;
    at = writeVarint(to, at + 1, weight);
  }
  return at;
}

/** @throws {@link DecodeError} these bytes are not a server's record. */
export function decodeServerInfo(bytes: Uint8Array): ServerInfo {
  const reader = new WireReader(bytes);
  const queues = new Map<string, number>();
  const info = {
    host: "",
    pid: 0,
    serverId: "",
    concurrency: 0,
    queues,
    strictPriority: false,
    status: "",
    startTime: EPOCH,
    activeWorkerCount: 0,
  };
  let peer = "";
  let lag: number | undefined;
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x0a) info.host = reader.text();
    else if (tag === 0x10) info.pid = reader.int32();
    else if (tag === 0x1a) info.serverId = reader.text();
    else if (tag === 0x20) info.concurrency = reader.int32();
    else if (tag === 0x2a) readQueue(reader, queues);
    else if (tag === 0x30) info.strictPriority = reader.bool();
    else if (tag === 0x3a) info.status = reader.text();
    else if (tag === 0x42) info.startTime = readTimestamp(reader, info.startTime);
    else if (tag === 0x48) info.activeWorkerCount = reader.int32();
    else if (tag === PEER_TAG) peer = reader.text();
    else if (tag === LAG_TAG) lag = reader.int32();
    else reader.skip(tag);
  }
  return { ...info, ...(peer !== "" && { peer }), ...(lag !== undefined && { lag }) };
}

function readQueue(reader: WireReader, queues: Map<string, number>): void {
  let name = "";
  let weight = 0;
  const outer = reader.enter();
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x0a) name = reader.text();
    else if (tag === 0x10) weight = reader.int32();
    else reader.skip(tag);
  }
  reader.leave(outer);
  queues.set(name, weight);
}
