import type { Command } from "./commands.ts";

/** Something that commands are done to. */
export interface Side {
  /** The command, what was answered, and how the queue looks then. Instants are relative to now. */
  run(command: Command): Promise<unknown>;
  close(): Promise<void>;
}

export interface Look {
  /** Without what depends on order or on the hour: which task waits longest, and today's counts. */
  readonly info: object | undefined;
  /** Active tasks whose lease has run out. */
  readonly orphaned: readonly string[] | undefined;
  readonly tasks: readonly (
    | {
        id: string;
        state: string;
        message: object | undefined;
        result: string | undefined;
        next: number | undefined;
      }
    | undefined
  )[];
}
