import { createColors } from "picocolors";

/** One of the two streams that people read. */
export interface Terminal {
  readonly stream: NodeJS.WriteStream;
  readonly colors: Colors;
  /** Columns; `undefined`: it is no terminal, and lines may be of any length. */
  readonly width: number | undefined;
}

export type Colors = ReturnType<typeof createColors>;

/** A stream with its colours: those of a terminal, unless NO_COLOR or `--no-color` says otherwise. FORCE_COLOR wins. */
export function terminalOf(stream: NodeJS.WriteStream, color: boolean): Terminal {
  const { NO_COLOR, FORCE_COLOR, TERM } = process.env;
  const wanted = FORCE_COLOR ? FORCE_COLOR !== "0" : stream.isTTY === true && TERM !== "dumb";
  return {
    stream,
    colors: createColors(color && !NO_COLOR && wanted),
    get width() {
      return stream.isTTY === true ? Math.max(20, stream.columns || 80) : undefined;
    },
  };
}
