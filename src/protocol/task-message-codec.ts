import { type Int64, NO_HEADERS, type TaskMessage } from "./task-message.ts";
import { utf8Length, writeUtf8 } from "./utf8.ts";
import { WireReader } from "./wire-reader.ts";
import { intSize, spanSize, writeBytes, writeInt, writeSpanHead, writeText } from "./wire-writer.ts";

/**
 * The bytes of a task message, equal to those a Go peer writes (headers in their order here, at random in Go).
 * A lone surrogate in a text becomes U+FFFD.
 */
export function encodeTaskMessage(m: TaskMessage): Buffer {
  const type = utf8Length(m.type);
  const id = utf8Length(m.id);
  const queue = utf8Length(m.queue);
  const errorMsg = utf8Length(m.errorMsg);
  const uniqueKey = utf8Length(m.uniqueKey);
  const groupKey = utf8Length(m.groupKey);
  const unknown = m.unknownFields;

  const to = Buffer.allocUnsafe(
    spanSize(type) +
      spanSize(m.payload?.length ?? 0) +
      spanSize(id) +
      spanSize(queue) +
      intSize(m.retry) +
      intSize(m.retried) +
      spanSize(errorMsg) +
      intSize(m.timeout) +
      intSize(m.deadline) +
      spanSize(uniqueKey) +
      intSize(m.lastFailedAt) +
      intSize(m.retention) +
      intSize(m.completedAt) +
      spanSize(groupKey) +
      headersSize(m.headers) +
      (unknown?.length ?? 0),
  );
  let at = writeText(to, 0, 0x0a, m.type, type);
  at = writeBytes(to, at, 0x12, m.payload);
  at = writeText(to, at, 0x1a, m.id, id);
  at = writeText(to, at, 0x22, m.queue, queue);
  at = writeInt(to, at, 0x28, m.retry);
  at = writeInt(to, at, 0x30, m.retried);
  at = writeText(to, at, 0x3a, m.errorMsg, errorMsg);
  at = writeInt(to, at, 0x40, m.timeout);
  at = writeInt(to, at, 0x48, m.deadline);
  at = writeText(to, at, 0x52, m.uniqueKey, uniqueKey);
  at = writeInt(to, at, 0x58, m.lastFailedAt);
  at = writeInt(to, at, 0x60, m.retention);
  at = writeInt(to, at, 0x68, m.completedAt);
  at = writeText(to, at, 0x72, m.groupKey, groupKey);
  at = writeHeaders(to, at, m.headers);
  if (unknown !== undefined) to.set(unknown, at);
  return to;
}

/** Key and value of a map entry are always written, even if empty. */
function entrySize(key: number, value: number): number {
  return (spanSize(key) || 2) + (spanSize(value) || 2);
}

function headersSize(headers: ReadonlyMap<string, string>): number {
  if (headers.size === 0) return 0;
  let size = 0;
  for (const [key, value] of headers) size += spanSize(entrySize(utf8Length(key), utf8Length(value)));
  return size;
}

function writeHeaders(to: Buffer, start: number, headers: ReadonlyMap<string, string>): number {
  if (headers.size === 0) return start;
  let at = start;
  for (const [key, value] of headers) {
    const keyLength = utf8Length(key);
    const valueLength = utf8Length(value);
    at = writeSpanHead(to, at, 0x7a, entrySize(keyLength, valueLength));
    at = writeUtf8(to, writeSpanHead(to, at, 0x0a, keyLength), key, keyLength);
    at = writeUtf8(to, writeSpanHead(to, at, 0x12, valueLength), value, valueLength);
  }
  return at;
}

/**
 * The task message in `bytes`, as a Go peer would read it. The payload and the unknown fields are views of `bytes`.
 *
 * @throws {@link DecodeError} these bytes are not one.
 */
export function decodeTaskMessage(bytes: Uint8Array): TaskMessage {
  const reader = new WireReader(bytes);
  let type = "";
  let payload: Uint8Array | undefined;
  let id = "";
  let queue = "";
  let retry = 0;
  let retried = 0;
  let errorMsg = "";
  let timeout: Int64 = 0;
  let deadline: Int64 = 0;
  let uniqueKey = "";
  let lastFailedAt: Int64 = 0;
  let retention: Int64 = 0;
  let completedAt: Int64 = 0;
  let groupKey = "";
  let headers: Map<string, string> | undefined;
  let unknown: Buffer | undefined;
  let unknownLength = 0;

  for (let start = 0, tag = reader.tag(); tag !== 0; start = reader.pos, tag = reader.tag()) {
    switch (tag) {
      case 0x0a:
        type = reader.text();
        break;
      case 0x12:
        payload = reader.span();
        break;
      case 0x1a:
        id = reader.text();
        break;
      case 0x22:
        queue = reader.text();
        break;
      case 0x28:
        retry = reader.int32();
        break;
      case 0x30:
        retried = reader.int32();
        break;
      case 0x3a:
        errorMsg = reader.text();
        break;
      case 0x40:
        timeout = reader.int64();
        break;
      case 0x48:
        deadline = reader.int64();
        break;
      case 0x52:
        uniqueKey = reader.text();
        break;
      case 0x58:
        lastFailedAt = reader.int64();
        break;
      case 0x60:
        retention = reader.int64();
        break;
      case 0x68:
        completedAt = reader.int64();
        break;
      case 0x72:
        groupKey = reader.text();
        break;
      case 0x7a:
        headers ??= new Map();
        readHeader(reader, headers);
        break;
      default:
        // A field of a newer peer, or of a type that we do not expect there: kept as it came. The rest of the
        // message is room enough for all of them, so that a hostile message costs one allocation.
        reader.skip(tag);
        unknown ??= Buffer.allocUnsafe(bytes.length - start);
        unknownLength += reader.bytes.copy(unknown, unknownLength, start, reader.pos);
    }
  }

  const message = {
    type,
    // Go has no empty payload on the wire: it reads nil either way.
    payload: payload?.length ? payload : undefined,
    id,
    queue,
    retry,
    retried,
    errorMsg,
    timeout,
    deadline,
    uniqueKey,
    lastFailedAt,
    retention,
    completedAt,
    groupKey,
    headers: headers ?? NO_HEADERS,
  };
  return unknown === undefined ? message : { ...message, unknownFields: unknown.subarray(0, unknownLength) };
}

function readHeader(reader: WireReader, headers: Map<string, string>): void {
  let key = "";
  let value = "";
  const outer = reader.enter();
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x0a) key = reader.text();
    else if (tag === 0x12) value = reader.text();
    else reader.skip(tag);
  }
  reader.leave(outer);
  headers.set(key, value);
}
