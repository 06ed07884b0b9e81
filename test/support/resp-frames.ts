const CR = 0x0d;

/** Cuts a stream of RESP 2 or 3 into whole frames. */
export class RespFramer {
  #held: Buffer = Buffer.alloc(0);

  /** The frames that `chunk` completes, byte for byte as they came. */
  push(chunk: Buffer): Buffer[] {
    this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const frames: Buffer[] = [];
    let start = 0;
    for (let end = frameEnd(this.#held, 0); end !== undefined; end = frameEnd(this.#held, start)) {
      frames.push(this.#held.subarray(start, end));
      start = end;
    }
    this.#held = this.#held.subarray(start);
    return frames;
  }
}

/** Where the frame that begins at `start` ends; undefined while it is incomplete. */
function frameEnd(bytes: Buffer, start: number): number | undefined {
  const header = lineEnd(bytes, start);
  if (header === undefined) return undefined;
  const length = Number(bytes.toString("latin1", start + 1, header - 2));
  switch (String.fromCharCode(bytes[start] as number)) {
    case "$":
    case "=":
    case "!": {
      const end = length < 0 ? header : header + length + 2;
      return end <= bytes.length ? end : undefined;
    }
    case "*":
    case "~":
    case ">":
      return after(bytes, header, length);
    case "%":
      return after(bytes, header, 2 * length);
    case "|":
      return after(bytes, header, 2 * length + 1);
    default:
      return header;
  }
}

function after(bytes: Buffer, start: number, frames: number): number | undefined {
  let end: number | undefined = start;
  for (let i = 0; i < frames && end !== undefined; i += 1) end = frameEnd(bytes, end);
  return end;
}

function lineEnd(bytes: Buffer, start: number): number | undefined {
  const cr = bytes.indexOf(CR, start);
  return cr === -1 || cr + 2 > bytes.length ? undefined : cr + 2;
}

/** The first `count` texts of an array of bulk strings, such as a request. */
export function leadingTexts(frame: Buffer, count: number): string[] {
  const texts: string[] = [];
  let start = lineEnd(frame, 0);
  while (start !== undefined && start < frame.length && texts.length < count) {
    const end = frameEnd(frame, start);
    const body = lineEnd(frame, start);
    if (end === undefined || body === undefined) break;
    texts.push(frame.toString("utf8", body, Math.max(body, end - 2)));
    start = end;
  }
  return texts;
}
