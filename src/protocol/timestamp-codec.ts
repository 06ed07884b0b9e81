import type { Timestamp } from "./timestamp.ts";
import type { WireReader } from "./wire-reader.ts";
import { intSize, spanSize, writeInt, writeSpanHead } from "./wire-writer.ts";

/** What a peer reads that finds no timestamp: 1970. */
export const EPOCH: Timestamp = { seconds: 0, nanos: 0 };

/** Bytes of a timestamp field. It is always written: a reader may drop a whole record for a missing one. */
export function timestampSize(time: Timestamp): number {
  return spanSize(contentSize(time)) || 2;
}

export function writeTimestamp(to: Buffer, start: number, tag: number, time: Timestamp): number {
  let at = writeSpanHead(to, start, tag, contentSize(time));
  at = writeInt(to, at, 0x08, time.seconds);
  return writeInt(to, at, 0x10, time.nanos);
}

function contentSize({ seconds, nanos }: Timestamp): number {
  return intSize(seconds) + intSize(nanos);
}

/** Reads a timestamp field. A second one of the same field adds to what came `before`, as Protobuf has it. */
export function readTimestamp(reader: WireReader, before: Timestamp): Timestamp {
  let { seconds, nanos } = before;
  const outer = reader.enter();
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x08) seconds = Number(reader.int64());
    else if (tag === 0x10) nanos = reader.int32();
    else reader.skip(tag);
  }
  reader.leave(outer);
  return { seconds, nanos };
}
