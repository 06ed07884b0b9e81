import type { SchedulerEnqueueEvent, SchedulerEntry } from "./scheduler-entry.ts";
import { EPOCH, readTimestamp, timestampSize, writeTimestamp } from "./timestamp-codec.ts";
import { utf8Length, writeUtf8 } from "./utf8.ts";
import { WireReader } from "./wire-reader.ts";
import { spanSize, writeBytes, writeSpanHead, writeText } from "./wire-writer.ts";

export function encodeSchedulerEntry(entry: SchedulerEntry): Buffer {
  const id = utf8Length(entry.id);
  const spec = utf8Length(entry.spec);
  const taskType = utf8Length(entry.taskType);

  const to = Buffer.allocUnsafe(
    spanSize(id) +
      spanSize(spec) +
      spanSize(taskType) +
      spanSize(entry.taskPayload.length) +
      optionsSize(entry.enqueueOptions) +
      timestampSize(entry.nextEnqueueTime) +
      timestampSize(entry.prevEnqueueTime),
  );
  let at = writeText(to, 0, 0x0a, entry.id, id);
  at = writeText(to, at, 0x12, entry.spec, spec);
  at = writeText(to, at, 0x1a, entry.taskType, taskType);
  at = writeBytes(to, at, 0x22, entry.taskPayload);
  for (const option of entry.enqueueOptions) {
    const length = utf8Length(option);
    at = writeUtf8(to, writeSpanHead(to, at, 0x2a, length), option, length);
  }
  at = writeTimestamp(to, at, 0x32, entry.nextEnqueueTime);
  writeTimestamp(to, at, 0x3a, entry.prevEnqueueTime);
  return to;
}

/** An empty text is written too: it is one more of them. */
function optionsSize(options: readonly string[]): number {
  let size = 0;
  for (const option of options) size += spanSize(utf8Length(option)) || 2;
  return size;
}

/** @throws {@link DecodeError} these bytes are not a scheduler entry. */
export function decodeSchedulerEntry(bytes: Uint8Array): SchedulerEntry {
  const reader = new WireReader(bytes);
  const enqueueOptions: string[] = [];
  const entry = {
    id: "",
    spec: "",
    taskType: "",
    taskPayload: new Uint8Array() as Uint8Array,
    enqueueOptions,
    nextEnqueueTime: EPOCH,
    prevEnqueueTime: EPOCH,
  };
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x0a) entry.id = reader.text();
    else if (tag === 0x12) entry.spec = reader.text();
    else if (tag === 0x1a) entry.taskType = reader.text();
    else if (tag === 0x22) entry.taskPayload = reader.span();
    else if (tag === 0x2a) enqueueOptions.push(reader.text());
    else if (tag === 0x32) entry.nextEnqueueTime = readTimestamp(reader, entry.nextEnqueueTime);
    else if (tag === 0x3a) entry.prevEnqueueTime = readTimestamp(reader, entry.prevEnqueueTime);
    else reader.skip(tag);
  }
  return entry;
}

export function encodeSchedulerEnqueueEvent(event: SchedulerEnqueueEvent): Buffer {
  const taskId = utf8Length(event.taskId);
  const to = Buffer.allocUnsafe(spanSize(taskId) + timestampSize(event.enqueueTime));
  const at = writeText(to, 0, 0x0a, event.taskId, taskId);
  writeTimestamp(to, at, 0x12, event.enqueueTime);
  return to;
}

/** @throws {@link DecodeError} these bytes are not a scheduler's event. */
export function decodeSchedulerEnqueueEvent(bytes: Uint8Array): SchedulerEnqueueEvent {
  const reader = new WireReader(bytes);
  const event = { taskId: "", enqueueTime: EPOCH };
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x0a) event.taskId = reader.text();
    else if (tag === 0x12) event.enqueueTime = readTimestamp(reader, event.enqueueTime);
    else reader.skip(tag);
  }
  return event;
}
